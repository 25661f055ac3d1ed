/**
 * Figures about repetitions. The unit is the repetition, never the request.
 *
 * @module
 */

/** A middle value, and how far the repetitions lie apart. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** How many values it is made of. */
  readonly count: number;
}

/** The median of some values and the lowest and highest of them; `undefined` where there are none. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]!;
  return { median: (lower + upper) / 2, lowest: sorted[0]!, highest: sorted.at(-1)!, count: sorted.length };
}

/** Whether no value of one lies within the range of the other. One value each can show nothing. */
export function areApart(a: Spread, b: Spread): boolean {
  return Math.min(a.count, b.count) > 1 && (a.lowest > b.highest || b.lowest > a.highest);
}

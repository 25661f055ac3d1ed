/**
 * Figures about repetitions. The unit is the repetition, never the request.
 *
 * @module
 */

/** A middle value, and how far the repetitions lie apart. */
export interface Spread {
  /** The middle value; with an even count, the mean of the two in the middle. */
  readonly median: number;
  /** The least of the values; the median itself where there is one value. */
  readonly lowest: number;
  /** The greatest of the values; the median itself where there is one value. */
  readonly highest: number;
  /** How many values it is made of. */
  readonly count: number;
}

/**
 * The median of some values and the lowest and highest of them; `undefined` where there are none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { spreadOf } from "./statistics.ts";
 *
 * assertEquals(spreadOf([3, 1, 2, 8]), { median: 2.5, lowest: 1, highest: 8, count: 4 });
 * ```
 */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]!;
  return { median: (lower + upper) / 2, lowest: sorted[0]!, highest: sorted.at(-1)!, count: sorted.length };
}

/**
 * Whether no value of one lies within the range of the other; `false` where either is made of one value only, which
 * can show nothing.
 *
 * @example
 * ```ts
 * import { assert, assertFalse } from "@std/assert";
 * import { areApart, spreadOf } from "./statistics.ts";
 *
 * assert(areApart(spreadOf([10, 11])!, spreadOf([12, 14])!));
 * assertFalse(areApart(spreadOf([10, 12])!, spreadOf([12, 14])!));
 * ```
 */
export function areApart(a: Spread, b: Spread): boolean {
  return Math.min(a.count, b.count) > 1 && (a.lowest > b.highest || b.lowest > a.highest);
}

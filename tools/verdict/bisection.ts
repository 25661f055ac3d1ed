/**
 * Bisection among values of a setting, by repetitions that are not all alike.
 *
 * @module
 */

/** What the repetitions at one value have shown. */
export interface Trial {
  /** The value. */
  readonly value: number;
  /** Repetitions at which it held. */
  readonly held: number;
  /** Repetitions at which it did not. */
  readonly broke: number;
  /** Where the limit should be by what was measured here. Left out where that says nothing. */
  readonly hint?: number;
}

/** Where to look. */
export interface Bounds {
  /** The lowest value that is tried. */
  readonly low: number;
  /** The highest value that is tried. */
  readonly high: number;
  /** The value that is tried first. Default: the middle by ratio. */
  readonly first?: number;
}

/** The most repetitions that a bisection takes. */
export const MOST_TRIALS = 12;

/** How often each end of the last interval is measured, as far as the repetitions last. */
const CONFIRMATIONS = 3;

/** The widest that the last interval may be: its upper end ÷ its lower end. */
const CLOSE = 1.08;

/** How far above a hint that held the next value is. */
const ABOVE_HINT = 1.05;

/** The ends of what is left to look in: values that were tried, where there are such. */
export interface Bracket {
  /** The largest value that held, below all that did not. */
  readonly holds?: Trial;
  /** The smallest value that did not hold. */
  readonly fails?: Trial;
}

/** Where the limit lies by what was tried. A value holds where more than half of its repetitions did. */
export function bracketOf(trials: readonly Trial[]): Bracket {
  const inOrder = trials.toSorted((a, b) => a.value - b.value);
  const fails = inOrder.find(({ held, broke }) => held <= broke);
  const below = inOrder.filter(({ value }) => fails === undefined || value < fails.value);
  const holds = below.at(-1);
  return { ...(holds === undefined ? {} : { holds }), ...(fails === undefined ? {} : { fails }) };
}

/**
 * The next value to try; `undefined` where the limit is known within 8%, each end measured three times, or
 * where {@linkcode MOST_TRIALS} repetitions were measured.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nextValue } from "./bisection.ts";
 *
 * const bounds = { low: 1, high: 1000 };
 * const failed = { value: 32, held: 0, broke: 1 };
 * assertEquals(nextValue([], bounds), 32);
 * assertEquals(nextValue([failed], bounds), 6);
 * assertEquals(nextValue([{ ...failed, hint: 20 }], bounds), 20);
 * ```
 */
export function nextValue(trials: readonly Trial[], bounds: Bounds): number | undefined {
  if (trials.reduce((sum, { held, broke }) => sum + held + broke, 0) >= MOST_TRIALS) return undefined;
  if (trials.length === 0 && bounds.first !== undefined) return bounds.first;
  const { holds, fails } = bracketOf(trials);
  const low = holds?.value ?? bounds.low;
  const high = fails?.value ?? bounds.high;
  if (high - low > 1 && high / low > CLOSE) return between(low, high, fails?.hint);
  // An end that nobody has tried is no end.
  if (fails === undefined && low < bounds.high) return bounds.high;
  if (holds === undefined && high > bounds.low) return bounds.low;
  return [holds, fails].find((end) => end !== undefined && end.held + end.broke < CONFIRMATIONS)?.value;
}

/** The hint where it lies between, a little above it where it has held, else the middle by ratio. */
function between(low: number, high: number, hint: number | undefined): number {
  const middle = Math.sqrt(low * high);
  const hinted = hint === undefined
    ? middle
    : hint > low
    ? hint
    : low <= hint * ABOVE_HINT && low < Math.ceil(hint * ABOVE_HINT)
    ? Math.ceil(hint * ABOVE_HINT)
    : middle;
  const value = Math.round(hinted);
  return value > low && value < high ? value : Math.min(high - 1, Math.max(low + 1, Math.round(middle)));
}

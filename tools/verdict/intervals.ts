/**
 * Confidence intervals: of a run's median, and of the ratio of two runs.
 *
 * @module
 */

import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { median, quantileSorted } from "simple-statistics";

/** An estimate, and the interval that holds the true value with a given confidence. */
export interface Interval {
  /** The likeliest value. */
  readonly estimate: number;
  /** The lower limit; the estimate itself where there is only one value. */
  readonly low: number;
  /** The upper limit; the estimate itself where there is only one value. */
  readonly high: number;
  /** Between 0 and 1; 0 for a single value, which says nothing about its uncertainty. */
  readonly confidence: number;
}

/** The confidence that intervals are made for. */
export const CONFIDENCE = 0.95;

/**
 * Resamples of a bootstrap: so many that chance among them moves a limit by far less than one more repetition
 * would.
 */
export const RESAMPLES = 4_999;

/**
 * The median with its interval, made of two order statistics. Whatever the distribution, the binomial of the
 * sign test gives the confidence exactly (W. J. Conover, Practical Nonparametric Statistics, 3.2). Below 6
 * values not even the lowest and the highest reach 95%: they are the interval then, with the confidence that
 * they have, such as 93.75% for 5.
 *
 * @returns `undefined` where there are no values.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { estimateMedian } from "./intervals.ts";
 *
 * assertEquals(estimateMedian([3, 1, 2, 5, 4]), { estimate: 3, low: 1, high: 5, confidence: 0.9375 });
 * ```
 */
export function estimateMedian(values: readonly number[]): Interval | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  // Narrow the interval from both ends while the probability outside stays below 1 − CONFIDENCE.
  let probability = 0.5 ** n;
  let leftOut = 2 * probability;
  let rank = 0;
  while (rank < Math.floor((n - 1) / 2)) {
    const next = probability * (n - rank) / (rank + 1);
    if (leftOut + 2 * next > 1 - CONFIDENCE) break;
    probability = next;
    leftOut += 2 * next;
    rank++;
  }
  return {
    estimate: median([...sorted]),
    low: sorted[rank]!,
    high: sorted[n - 1 - rank]!,
    confidence: Math.max(0, 1 - leftOut),
  };
}

/** Values of two runs that are compared. */
export interface ComparedValues {
  /** The values to compare with, one for each repetition. */
  readonly baseline: readonly number[];
  /** The values to compare, one for each repetition. */
  readonly candidate: readonly number[];
  /** Whether the n-th values of both were measured in the same round. */
  readonly paired: boolean;
}

/** How a bootstrap draws. */
export interface BootstrapOptions {
  /** A whole number of 32 bits. The same seed and values give the same interval. */
  readonly seed: number;
  /** Default {@linkcode RESAMPLES}. */
  readonly resamples?: number;
}

/**
 * The ratio of candidate to baseline with a percentile bootstrap interval (B. Efron, R. Tibshirani, An
 * Introduction to the Bootstrap, 13.3). For paired values it is the median of the ratios within the rounds,
 * and rounds are drawn, so that what drifts from round to round cancels. For others it is the ratio of the
 * medians, and each side is drawn from.
 *
 * It is the median and not the mean, because a single disturbed repetition should not move it. Up to 5 pairs
 * the interval is the lowest and the highest ratio, with the confidence that these have: 93.75% for 5. From 6
 * pairs on the interval is meant for 95%. It holds the true ratio in 91 to 94% of simulated benches of 6 to
 * 20 pairs, and in 96 to 97% where the values are not paired: the bootstrap of so few values is not exact.
 * That is why an interval alone shows no difference.
 *
 * @returns `undefined` where a side has no values, or the baseline has a 0.
 */
export function estimateRatio(values: ComparedValues, options: BootstrapOptions): Interval | undefined {
  const { baseline, candidate, paired } = values;
  const { seed, resamples = RESAMPLES } = options;
  if (baseline.length === 0 || candidate.length === 0 || baseline.some((value) => value === 0)) {
    return undefined;
  }
  const random = xoroshiro128plus(seed);
  const draw = (from: readonly number[]) =>
    median(from.map(() => from[uniformInt(random, 0, from.length - 1)]!));
  const ratios = candidate.map((value, i) => value / baseline[i]!);
  const estimate = paired ? median(ratios) : median([...candidate]) / median([...baseline]);
  const drawn = Array.from(
    { length: resamples },
    () => paired ? draw(ratios) : draw(candidate) / draw(baseline),
  );
  drawn.sort((a, b) => a - b);
  const fewer = Math.min(baseline.length, candidate.length);
  return {
    estimate,
    low: quantileSorted(drawn, (1 - CONFIDENCE) / 2),
    high: quantileSorted(drawn, (1 + CONFIDENCE) / 2),
    confidence: Math.min(CONFIDENCE, 1 - 2 * 0.5 ** fewer),
  };
}

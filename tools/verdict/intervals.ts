/**
 * Confidence intervals: of a run's median, and of the ratio of two runs.
 *
 * @module
 */

import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { median, quantileSorted } from "simple-statistics";

/** An estimate and the interval that holds the true value with the confidence given. */
export interface Interval {
  /** The likeliest value. */
  readonly estimate: number;
  /** The lower limit; the estimate itself where one value is all there is. */
  readonly low: number;
  /** The upper limit; likewise. */
  readonly high: number;
  /** Between 0 and 1; 0 where one value alone says nothing about its uncertainty. */
  readonly confidence: number;
}

/** The confidence that intervals are made for. */
export const CONFIDENCE = 0.95;

/** Resamples of a bootstrap. At this number its own chance moves a limit by far less than a repetition more would. */
export const RESAMPLES = 4_999;

/**
 * The median with its interval, made of two order statistics: whatever the distribution, the sign test's binomial
 * gives the confidence exactly. Below 6 values not even the lowest and the highest reach 95%: these stand then, with
 * the confidence that they have, such as 93.75% for 5 (W. J. Conover, Practical Nonparametric Statistics, 3.2).
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
  // Narrows the interval from both ends while what it leaves out stays below 1 − CONFIDENCE.
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
  /** What is compared with; one value a repetition. */
  readonly baseline: readonly number[];
  /** What is compared; one value a repetition. */
  readonly candidate: readonly number[];
  /** Whether the n-th values of both were measured in the same round, one after the other. */
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
 * The ratio of candidate to baseline with a percentile bootstrap interval (B. Efron, R. Tibshirani, An Introduction
 * to the Bootstrap, 13.3). Paired: the median of the ratios within the rounds, and rounds are drawn, so that what
 * drifts from round to round cancels. Not paired: the ratio of the medians, and both sides are drawn from.
 *
 * It is the median, not the mean, because one repetition that something else disturbed should not move it. Up to
 * 5 pairs its interval is the lowest and the highest ratio, and the confidence is what these have: 93.75% for 5. From 6
 * on it is meant for 95%, and holds the true ratio in 91 to 94% of simulated benches of 6 to 20 pairs, in 96 to 97% where
 * not paired: the bootstrap of so few is not exact. That is why no difference is shown by an interval alone.
 *
 * @returns `undefined` where there is no value or a baseline of 0.
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

/**
 * Confidence intervals: of a run's median, and of the ratio of two runs.
 *
 * @module
 */

import {
  intervalOf,
  mannWhitneyEstimates,
  middleOf,
  type RankEstimates,
  ratioOf,
  signedRankEstimates,
  signEstimates,
} from "./rank_tests.ts";

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
  const level = (1 - CONFIDENCE) / 2;
  return estimateOf(signEstimates(values), { low: level, high: level });
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

/**
 * The estimates of candidate ÷ baseline, for a test and for its interval: for paired values those of the
 * signed-rank test of the ratios within the rounds, so that what drifts from round to round cancels; for
 * others those of the Mann-Whitney test.
 *
 * It is ratios and not differences, because the noise and the drift of a machine grow with the rate, and
 * because a report speaks of shares.
 */
export function ratioEstimates({ baseline, candidate, paired }: ComparedValues): RankEstimates {
  return paired
    ? signedRankEstimates(candidate.map((value, i) => ratioOf(value, baseline[i]!)))
    : mannWhitneyEstimates(candidate, baseline);
}

/**
 * The ratio of candidate to baseline with the interval that its rank test gives.
 *
 * @param levels how often each end may err; too few values err more often, which `confidence` says.
 * @returns `undefined` where a side has no values.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { estimateRatio } from "./intervals.ts";
 *
 * const values = { baseline: [100, 200, 400], candidate: [50, 100, 200], paired: true };
 * assertEquals(estimateRatio(values), { estimate: 0.5, low: 0.5, high: 0.5, confidence: 0.75 });
 * ```
 */
export function estimateRatio(
  values: ComparedValues,
  levels: EndLevels = { low: (1 - CONFIDENCE) / 2, high: (1 - CONFIDENCE) / 2 },
): Interval | undefined {
  return estimateOf(ratioEstimates(values), levels);
}

/** How often each end of an interval may err. */
export interface EndLevels {
  /** How often the true value may lie below the interval. */
  readonly low: number;
  /** How often the true value may lie above the interval. */
  readonly high: number;
}

/** The middle of the estimates with the interval that their test gives; `undefined` where there are none. */
export function estimateOf(estimates: RankEstimates, levels: EndLevels): Interval | undefined {
  const interval = intervalOf(estimates, levels);
  return interval && { estimate: middleOf(estimates), ...interval };
}

/**
 * Compares runs, and says what the repetitions show and what they do not. The unit is the repetition, never
 * the request: a hundred thousand requests of one repetition share its luck.
 *
 * @module
 */

import {
  type BootstrapOptions,
  type ComparedValues,
  CONFIDENCE,
  estimateRatio,
  type Interval,
} from "./intervals.ts";
import {
  adjustHolm,
  type RankTest,
  smallestMannWhitneyP,
  smallestSignedRankP,
  testMannWhitney,
  testSignedRank,
} from "./rank_tests.ts";
import { isMeasured, type Measured, type Results, type Run, servedPerSec } from "../results/results.ts";

/** What a comparison has shown; `higher` and `lower` say it of the candidate. */
export type Verdict = "higher" | "lower" | "no difference shown" | "too few repetitions";

/** One comparison of a candidate with a baseline. */
export interface Comparison {
  /** Candidate ÷ baseline; `undefined` where there is none. */
  readonly ratio: Interval | undefined;
  /** Which rank test the numbers of repetitions and comparisons called for. */
  readonly test: "signed-rank" | "mann-whitney";
  /** The two-sided p-value of this comparison alone. */
  readonly p: number;
  /** The p-value corrected for the number of comparisons made together (Holm). */
  readonly adjustedP: number;
  /** What may be claimed. */
  readonly verdict: Verdict;
  /** The fewest repetitions of each run with which so many comparisons could show a difference at all. */
  readonly repetitionsNeeded: number;
}

/** The chance of a false alarm that is accepted, over all comparisons made together. */
export const FALSE_ALARMS = 1 - CONFIDENCE;

/**
 * Compares each candidate with its baseline.
 *
 * A difference is shown where the rank test, corrected for the number of comparisons, and the interval of the
 * ratio both exclude "none". The numbers of repetitions and comparisons decide which rank test it is, and the
 * values do not. Wilcoxon's signed-rank test of the pairs, on the logarithm of their ratios, is blind to what
 * drifts from round to round, but its p cannot get below 2 ÷ 2ⁿ: 0.0625 with 5 pairs. Where it could show
 * nothing, the Mann-Whitney test takes its place, whose p can get down to 2 ÷ 252 with 5 and 5; it counts
 * drift as noise.
 */
export function compareValues(sets: readonly ComparedValues[], options: BootstrapOptions): Comparison[] {
  const count = sets.length;
  const tests = sets.map((values) => testValues(values, count));
  const adjusted = adjustHolm(tests.map(({ result }) => result.p));
  return sets.map((values, i) => {
    const { test, result, smallestP } = tests[i]!;
    const ratio = estimateRatio(values, options);
    const shown = ratio !== undefined && adjusted[i]! <= FALSE_ALARMS && (ratio.low > 1 || ratio.high < 1);
    const verdict = smallestP * count > FALSE_ALARMS
      ? "too few repetitions"
      : !shown
      ? "no difference shown"
      : ratio.low > 1
      ? "higher"
      : "lower";
    return {
      ratio,
      test,
      p: result.p,
      adjustedP: adjusted[i]!,
      verdict,
      repetitionsNeeded: repetitionsNeeded(count),
    };
  });
}

/** The fewest repetitions of each run with which so many comparisons could all show a difference. */
export function repetitionsNeeded(comparisons: number): number {
  let n = 1;
  while (smallestMannWhitneyP(n, n) * comparisons > FALSE_ALARMS) n++;
  return n;
}

function testValues(
  { baseline, candidate, paired }: ComparedValues,
  comparisons: number,
): { test: Comparison["test"]; result: RankTest; smallestP: number } {
  const ofPairs = smallestSignedRankP(baseline.length);
  if (paired && ofPairs * comparisons <= FALSE_ALARMS) {
    const logRatios = candidate.map((value, i) => Math.log(value / baseline[i]!));
    return { test: "signed-rank", result: testSignedRank(logRatios), smallestP: ofPairs };
  }
  return {
    test: "mann-whitney",
    result: testMannWhitney(candidate, baseline),
    smallestP: smallestMannWhitneyP(candidate.length, baseline.length),
  };
}

/** The run that the others are compared with, where one is named. */
export function baselineOf({ runs }: Pick<Results, "runs">): Run | undefined {
  return runs.find((run) => run.baseline);
}

/** Which of load and backend two runs differ in. */
export function differingOptions(a: Run, b: Run): ("load" | "backend")[] {
  return (["load", "backend"] as const).filter((what) =>
    JSON.stringify(a.options[what]) !== JSON.stringify(b.options[what])
  );
}

/** The values of the rounds in which both runs were measured and the baseline's value is above 0. */
export function pairRounds(
  baseline: Run,
  candidate: Run,
  valueOf: (repetition: Measured) => number,
): ComparedValues {
  const pairs = candidate.repetitions.flatMap((repetition, round) => {
    const other = baseline.repetitions[round];
    if (!isMeasured(repetition) || other === undefined || !isMeasured(other)) return [];
    return valueOf(other) > 0 ? [[valueOf(other), valueOf(repetition)] as const] : [];
  });
  return {
    baseline: pairs.map(([value]) => value),
    candidate: pairs.map(([, value]) => value),
    paired: true,
  };
}

/**
 * Compares every other run with the baseline by a figure; served requests per second unless another is given.
 *
 * @returns the comparisons by the run's name; empty without a baseline.
 */
export function compareWithBaseline(
  results: Pick<Results, "runs" | "seed">,
  valueOf: (repetition: Measured) => number = servedPerSec,
): Map<string, Comparison> {
  const baseline = baselineOf(results);
  if (baseline === undefined) return new Map();
  const others = results.runs.filter((run) => run !== baseline);
  const sets = others.map((run) => pairRounds(baseline, run, valueOf));
  const comparisons = compareValues(sets, { seed: results.seed });
  return new Map(others.map((run, i) => [run.name, comparisons[i]!]));
}

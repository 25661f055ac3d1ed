/**
 * Compares runs, and says what the repetitions show and what they do not. The unit is the repetition, never
 * the request: a hundred thousand requests of one repetition share its luck.
 *
 * @module
 */

import {
  isMeasured,
  type Measured,
  type Method,
  type Results,
  type Run,
  servedPerSec,
} from "../results/results.ts";
import { type ComparedValues, CONFIDENCE, estimateOf, type Interval, ratioEstimates } from "./intervals.ts";
import { earliestDecision, FIRST_LOOK, LAST_LOOK, levelAt } from "./looks.ts";
import {
  countSignedRanks,
  holmLevels,
  pGreater,
  pLess,
  type RankEstimates,
  ratioOf,
  signedRankEstimates,
  smallestMannWhitneyP,
  smallestP,
  smallestSignedRankP,
} from "./rank_tests.ts";

/** What a comparison has shown; `higher` and `lower` say it of the candidate. */
export type Verdict = "higher" | "lower" | "no difference shown" | "too few repetitions" | "not measured";

/** One comparison of a candidate with a baseline. */
export interface Comparison {
  /**
   * Candidate ÷ baseline, with the confidence at which it was tested; `undefined` where nothing was measured.
   */
  readonly ratio: Interval | undefined;
  /** The signed-rank test of the ratios within rounds, or the Mann-Whitney test of values without rounds. */
  readonly test: "signed-rank" | "mann-whitney";
  /** The two-sided p-value of this comparison alone. */
  readonly p: number;
  /** How small `p` must be to show a difference: 5%, corrected for the comparisons made together (Holm). */
  readonly level: number;
  /** What may be claimed: a difference where `ratio` leaves out 1, and only there. */
  readonly verdict: Verdict;
  /** Rounds in which both were measured; without rounds, the repetitions of the side that has fewer. */
  readonly repetitions: number;
  /** The fewest repetitions of each run with which so many comparisons could show a difference at all. */
  readonly repetitionsNeeded: number;
  /**
   * After how many rounds a bench that decides has shown the difference, `null` where it has shown none; all
   * else is as it was after that round. Left out for other benches.
   */
  readonly decidedAfter?: number | null;
}

/** The chance of a false alarm that is accepted, over all comparisons made together. */
export const FALSE_ALARMS = 1 - CONFIDENCE;

/**
 * Compares each candidate with its baseline.
 *
 * One rank test gives both the verdict and the interval, so a difference is shown exactly where the interval
 * leaves out 1. Values of the same rounds are compared by Wilcoxon's signed-rank test of the logarithms of
 * their ratios, which is blind to what drifts from round to round. Others are compared by the Mann-Whitney
 * test, which counts drift as noise. The comparisons are corrected for their number (Holm), and each interval
 * has the confidence of the level at which Holm's procedure came to test it: at least 95%.
 *
 * Comparisons without a value, and those whose repetitions are too few to ever show a difference, are not
 * counted: only the numbers of repetitions decide which these are, never the values.
 */
export function compareValues(sets: readonly ComparedValues[], falseAlarms = FALSE_ALARMS): Comparison[] {
  const all = sets.map(ratioEstimates);
  const measured = all.filter(({ sorted }) => sorted.length > 0).length;
  const tested = testable(all, falseAlarms);
  const ps = all.map((estimates) => Math.min(1, 2 * Math.min(pLess(estimates, 1), pGreater(estimates, 1))));
  const levels = holmLevels(tested.map((i) => ps[i]!), falseAlarms);
  return sets.map(({ baseline, candidate, paired }, i): Comparison => {
    const isTested = tested.includes(i);
    const level = isTested ? levels[tested.indexOf(i)]! : falseAlarms / Math.max(1, measured);
    const ratio = estimateOf(all[i]!, { low: level / 2, high: level / 2 });
    return {
      ratio,
      test: paired ? "signed-rank" : "mann-whitney",
      p: ps[i]!,
      level,
      verdict: ratio === undefined ? "not measured" : isTested ? verdictOf(ratio) : "too few repetitions",
      repetitions: Math.min(baseline.length, candidate.length),
      repetitionsNeeded: repetitionsNeeded(measured, { paired, falseAlarms }),
    };
  });
}

/**
 * Compares each candidate with its baseline in a bench that looks after each round from `fewest` on: see
 * `looks.ts`. What has shown a difference at a look is decided, and stands as it was then. Comparisons share
 * the 5% by Holm's procedure at each look. The interval's confidence is that over all looks, at least 95%.
 *
 * @param sets paired values, in the order of their rounds.
 */
export function decideValues(sets: readonly ComparedValues[], fewest = FIRST_LOOK): Comparison[] {
  const ratios = sets.map(({ baseline, candidate }) =>
    candidate.map((value, i) => ratioOf(value, baseline[i]!))
  );
  const counts = ratios.map((some) => countSignedRanks(some, 1));
  const pAfter = (i: number, round: number) => {
    const look = counts[i]![round - 1];
    // Estimates of exactly 1 count against a difference, as in the tests that look once.
    return look === undefined ? 1 : look.atMost(look.all - Math.max(look.below, look.above));
  };
  const measured = ratios.flatMap((some, i) => some.length > 0 ? [i] : []);
  let open = measured;
  const decided = new Map<number, { readonly after: number; readonly parts: number }>();
  for (let round = FIRST_LOOK; round <= LAST_LOOK; round++) {
    const looked = () => open.filter((i) => round >= Math.min(fewest, ratios[i]!.length));
    const showing = () => looked().filter((i) => pAfter(i, round) <= levelAt(round, 2 * open.length));
    for (let shown = showing(); shown.length > 0; shown = showing()) {
      for (const i of shown) decided.set(i, { after: round, parts: 2 * open.length });
      open = open.filter((i) => !shown.includes(i));
    }
  }
  return sets.map((_, i): Comparison => {
    const after = decided.get(i)?.after ?? Math.min(LAST_LOOK, ratios[i]!.length);
    const parts = decided.get(i)?.parts ?? 2 * Math.max(1, open.length);
    const level = levelAt(after, parts);
    const now = estimateOf(signedRankEstimates(ratios[i]!.slice(0, after)), { low: level, high: level });
    const ratio = now && { ...now, confidence: Math.min(now.confidence, 1 - 2 * FALSE_ALARMS / parts) };
    return {
      ratio,
      test: "signed-rank",
      p: Math.min(1, 2 * pAfter(i, after)),
      level: 2 * level,
      verdict: ratio === undefined
        ? "not measured"
        : after < earliestDecision(parts)
        ? "too few repetitions"
        : verdictOf(ratio),
      repetitions: after,
      repetitionsNeeded: earliestDecision(2 * Math.max(1, measured.length)),
      decidedAfter: decided.get(i)?.after ?? null,
    };
  });
}

function verdictOf({ low, high }: Interval): Verdict {
  return low > 1 ? "higher" : high < 1 ? "lower" : "no difference shown";
}

/** Those of the comparisons that could all show a difference together, by their numbers of values. */
function testable(all: readonly RankEstimates[], falseAlarms: number): number[] {
  const smallest = all.map((estimates) => 2 * smallestP(estimates));
  let left = all.map((_, i) => i);
  for (;;) {
    const largest = Math.max(...left.map((i) => smallest[i]!));
    if (left.length === 0 || largest * left.length <= falseAlarms) return left;
    left = left.filter((i) => smallest[i]! < largest);
  }
}

/** The fewest repetitions of each run with which so many comparisons could all show a difference. */
export function repetitionsNeeded(
  comparisons: number,
  { paired = true, falseAlarms = FALSE_ALARMS }: {
    readonly paired?: boolean;
    readonly falseAlarms?: number;
  } = {},
): number {
  const smallest = (n: number) => paired ? smallestSignedRankP(n) : smallestMannWhitneyP(n, n);
  let n = 1;
  while (smallest(n) * Math.max(1, comparisons) > falseAlarms) n++;
  return n;
}

/**
 * Repetitions of each run where nothing else is asked for: 6 for one comparison, 7 for two, 8 for three to
 * six, and for more, or for a bench that stops at a precision, as many as could show a difference.
 */
export function defaultRepetitions(comparisons: number, { until = false } = {}): number {
  const needed = repetitionsNeeded(comparisons, { falseAlarms: until ? FALSE_ALARMS_UNTIL : FALSE_ALARMS });
  return Math.max(6, Math.min(8, 5 + comparisons), needed);
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
 * The chance of a false alarm with which a bench that stops at a precision tests its comparisons: half of
 * {@linkcode FALSE_ALARMS}. To choose when to stop by what was measured makes intervals err more often: those
 * for 95% held the truth in 92 to 95% of simulated benches, those for 97.5% in 96% or more.
 */
export const FALSE_ALARMS_UNTIL = FALSE_ALARMS / 2;

/**
 * Compares every other run with the baseline by a figure; served requests per second unless another is given.
 *
 * @returns the comparisons by the run's name; empty without a baseline.
 */
export function compareWithBaseline(
  results: Pick<Results, "runs"> & { readonly method?: Pick<Method, "until"> & Partial<Method> },
  valueOf: (repetition: Measured) => number = servedPerSec,
): Map<string, Comparison> {
  const baseline = baselineOf(results);
  if (baseline === undefined) return new Map();
  const others = results.runs.filter((run) => run !== baseline);
  const sets = others.map((run) => pairRounds(baseline, run, valueOf));
  const { until = null, decide, repeat } = results.method ?? {};
  const comparisons = decide === undefined
    ? compareValues(sets, until === null ? FALSE_ALARMS : FALSE_ALARMS_UNTIL)
    : decideValues(sets, repeat);
  return new Map(others.map((run, i) => [run.name, comparisons[i]!]));
}

/**
 * Exact rank tests for the few repetitions of a bench, with the intervals that belong to them, and the
 * correction for several tests.
 *
 * The sign test, Wilcoxon's signed-rank test and the Mann-Whitney test have one form. Each has a list of
 * estimates of what is asked for: the values, the means of each two of them, or the ratios of each value of
 * one sample to each of the other. The statistic is how many of the estimates lie beyond a limit, and its
 * distribution without a difference is known exactly. The interval is cut out of the same sorted list (J. L.
 * Hodges, E. L. Lehmann, Annals of Mathematical Statistics 34 (1963) 598–611): it leaves out exactly the
 * limits that the test rejects. So a verdict and its interval cannot disagree, ties included.
 *
 * Estimates that are exactly at the limit count against a claim that something lies beyond it, so that ties
 * make false alarms rarer, never more frequent.
 *
 * @module
 */

import { errorFunction, median } from "simple-statistics";

/** The distribution of up to this many values in all is counted; that of more is taken for normal. */
const MOST_EXACT = 200;

/** Sorted estimates of one quantity, and the chance that so few of them lie on one side of the true one. */
export interface RankEstimates {
  /** From the lowest to the highest. */
  readonly sorted: Float64Array;
  /** The probability that at most `count` of the estimates are below the true value; the same above. */
  atMost(count: number): number;
}

/** An interval whose two ends err with probabilities of their own. */
export interface RankInterval {
  /** The lower limit. */
  readonly low: number;
  /** The upper limit. */
  readonly high: number;
  /** The probability that the true value lies between the two, ends included. */
  readonly confidence: number;
}

/** The estimates of the sign test of a median: the values themselves. */
export function signEstimates(values: readonly number[]): RankEstimates {
  return { sorted: Float64Array.from(values).sort(), atMost: cumulative(`sign ${values.length}`) };
}

/**
 * The estimates of Wilcoxon's signed-rank test of the logarithms of ratios: the geometric mean of each two
 * ratios, of a ratio with itself included. F. Wilcoxon, Biometrics Bulletin 1 (1945) 80–83.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { pGreater, signedRankEstimates } from "./rank_tests.ts";
 *
 * // The example of scipy.stats.wilcoxon: the two-sided p is twice this.
 * const differences = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75];
 * const estimates = signedRankEstimates(differences.map((difference) => Math.exp(difference)));
 * assertEquals(estimates.sorted.filter((ratio) => ratio > 1).length, 96);
 * assertAlmostEquals(2 * pGreater(estimates, 1), 0.041259765625);
 * ```
 */
export function signedRankEstimates(ratios: readonly number[]): RankEstimates {
  const sorted = new Float64Array(ratios.length * (ratios.length + 1) / 2);
  let at = 0;
  for (const [i, ratio] of ratios.entries()) {
    for (let j = i; j < ratios.length; j++) sorted[at++] = geometricMean(ratio, ratios[j]!);
  }
  return { sorted: sorted.sort(), atMost: cumulative(`signed-rank ${ratios.length}`) };
}

/**
 * The estimates of the Mann-Whitney test of two independent samples: each value of `a` ÷ each of `b`. H. B.
 * Mann, D. R. Whitney, Annals of Mathematical Statistics 18 (1947) 50–60.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { mannWhitneyEstimates, pGreater } from "./rank_tests.ts";
 *
 * // The example of scipy.stats.mannwhitneyu, whose U is 17: the two-sided p is twice this.
 * const estimates = mannWhitneyEstimates([19, 22, 16, 29, 24], [20, 11, 17, 12]);
 * assertEquals(estimates.sorted.filter((ratio) => ratio > 1).length, 17);
 * assertAlmostEquals(2 * pGreater(estimates, 1), 1 / 9);
 * ```
 */
export function mannWhitneyEstimates(a: readonly number[], b: readonly number[]): RankEstimates {
  const ratios = Float64Array.from(a.flatMap((value) => b.map((other) => ratioOf(value, other))));
  return { sorted: ratios.sort(), atMost: cumulative(`mann-whitney ${a.length} ${b.length}`) };
}

/** A ratio. Of two zeros it is 1: nothing has changed. */
export function ratioOf(value: number, other: number): number {
  return value === 0 && other === 0 ? 1 : value / other;
}

/** The probability of estimates as low as these if the true value is `limit` or more. */
export function pLess({ sorted, atMost }: RankEstimates, limit: number): number {
  return sorted.length === 0 ? 1 : atMost(sorted.filter((estimate) => estimate >= limit).length);
}

/** The probability of estimates as high as these if the true value is `limit` or less. */
export function pGreater({ sorted, atMost }: RankEstimates, limit: number): number {
  return sorted.length === 0 ? 1 : atMost(sorted.filter((estimate) => estimate <= limit).length);
}

/** The estimates of the first values of a series, counted by the side of a limit on which they lie. */
export interface SideCounts {
  /** How many lie below the limit. */
  readonly below: number;
  /** How many lie above the limit. */
  readonly above: number;
  /** How many there are; those that are neither below nor above are exactly at the limit. */
  readonly all: number;
  /** The same as in {@linkcode RankEstimates}. */
  atMost(count: number): number;
}

/**
 * Counts the estimates of the signed-rank test after each further ratio: the n-th counts are those of the
 * first n ratios. They are those that {@linkcode signedRankEstimates} lists, without sorting them each time.
 */
export function countSignedRanks(ratios: readonly number[], limit: number): SideCounts[] {
  let [below, above] = [0, 0];
  return ratios.map((ratio, i) => {
    for (let j = 0; j <= i; j++) {
      const mean = geometricMean(ratios[j]!, ratio);
      if (mean < limit) below++;
      if (mean > limit) above++;
    }
    return { below, above, all: (i + 1) * (i + 2) / 2, atMost: cumulative(`signed-rank ${i + 1}`) };
  });
}

/** Does the same as {@linkcode countSignedRanks} for the sign test of a median. */
export function countSigns(values: readonly number[], limit: number): SideCounts[] {
  let [below, above] = [0, 0];
  return values.map((value, i) => {
    if (value < limit) below++;
    if (value > limit) above++;
    return { below, above, all: i + 1, atMost: cumulative(`sign ${i + 1}`) };
  });
}

/** The smallest one-sided p that these estimates can give, wherever the limit is. */
export function smallestP({ sorted, atMost }: RankEstimates): number {
  return sorted.length === 0 ? 1 : atMost(0);
}

/**
 * The interval: all limits that the two one-sided tests do not reject at these levels. Where there are too
 * few values for a level, it is the lowest or the highest of them, with the confidence that this has.
 *
 * @returns `undefined` where there are no estimates.
 */
export function intervalOf(
  { sorted, atMost }: RankEstimates,
  levels: { readonly low: number; readonly high: number },
): RankInterval | undefined {
  if (sorted.length === 0) return undefined;
  const cut = (level: number) => {
    let count = 0;
    while (2 * (count + 1) < sorted.length && atMost(count + 1) <= level) count++;
    return count;
  };
  const [below, above] = [cut(levels.low), cut(levels.high)];
  return {
    low: sorted[below]!,
    high: sorted[sorted.length - 1 - above]!,
    confidence: Math.max(0, 1 - atMost(below) - atMost(above)),
  };
}

/** The estimate in the middle: Hodges and Lehmann's. */
export function middleOf({ sorted }: RankEstimates): number {
  return median([...sorted]);
}

/** The smallest two-sided p that the Mann-Whitney test of samples of these sizes can give. */
export function smallestMannWhitneyP(a: number, b: number): number {
  let arrangements = 1;
  for (let i = 1; i <= Math.min(a, b); i++) arrangements *= (Math.max(a, b) + i) / i;
  return Math.min(1, 2 / arrangements);
}

/** The smallest two-sided p that the signed-rank test of so many pairs can give. */
export function smallestSignedRankP(pairs: number): number {
  return Math.min(1, 2 / 2 ** pairs);
}

/**
 * The level at which Holm's procedure tests each of several p-values, so that the chance of even one false
 * alarm among them stays `level`: a test shows something where its p is at most its level. S. Holm,
 * Scandinavian Journal of Statistics 6 (1979) 65–70.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { holmLevels } from "./rank_tests.ts";
 *
 * assertEquals(holmLevels([0.03, 0.001, 0.04], 0.05), [0.025, 0.05 / 3, 0.025]);
 * ```
 */
export function holmLevels(ps: readonly number[], level: number): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!);
  const levels = new Array<number>(ps.length);
  let divisor = ps.length;
  for (const [rank, i] of order.entries()) {
    const before = order[rank - 1];
    // Equal p-values share one level, so that neither the order of the runs nor chance tells them apart.
    levels[i] = before !== undefined && ps[before] === ps[i] ? levels[before]! : level / divisor;
    if (ps[i]! <= levels[i]! && divisor > 1) divisor--;
  }
  return levels;
}

function geometricMean(a: number, b: number): number {
  const mean = a === b ? a : Math.sqrt(a) * Math.sqrt(b);
  // 0 and infinity are equally far from "no change".
  return Number.isNaN(mean) ? 1 : mean;
}

const kept = new Map<string, (count: number) => number>();

/** The probability of at most so many, for the distribution of this name; each is worked out once. */
function cumulative(name: string): (count: number) => number {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const [test, a, b] = name.split(" ");
  const made = DISTRIBUTIONS[test!]!(Number(a), Number(b));
  kept.set(name, made);
  return made;
}

const DISTRIBUTIONS: Readonly<Record<string, (a: number, b: number) => (count: number) => number>> = {
  "sign": (n) => n > MOST_EXACT ? normalAtMost(n / 2, n / 4) : atMostOf(product(n, () => 1)),
  "signed-rank": (n) =>
    n > MOST_EXACT
      ? normalAtMost(n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24)
      : atMostOf(product(n, (i) => i)),
  "mann-whitney": (a, b) =>
    a + b > MOST_EXACT ? normalAtMost(a * b / 2, a * b * (a + b + 1) / 12) : atMostOf(boxed(a, b)),
};

/** In how many ways the numbers that `of` gives for 1…n can be summed to each total. */
function product(n: number, of: (i: number) => number): Float64Array {
  const steps = Array.from({ length: n }, (_, i) => of(i + 1));
  const ways = new Float64Array(steps.reduce((sum, step) => sum + step, 0) + 1);
  ways[0] = 1;
  let reach = 0;
  for (const step of steps) {
    reach += step;
    for (let sum = reach; sum >= step; sum--) ways[sum]! += ways[sum - step]!;
  }
  return ways;
}

/** In how many arrangements of `a` values among `b` others each number of pairs is the other way round. */
function boxed(a: number, b: number): Float64Array {
  // The Gaussian binomial coefficient: for i to a, times (1 − q^(b+i)), divided by (1 − q^i).
  const ways = new Float64Array(a * b + 1);
  ways[0] = 1;
  for (let i = 1; i <= a; i++) {
    for (let u = a * b; u >= b + i; u--) ways[u]! -= ways[u - b - i]!;
    for (let u = i; u <= a * b; u++) ways[u]! += ways[u - i]!;
  }
  return ways;
}

function atMostOf(ways: Float64Array): (count: number) => number {
  const sums = ways.slice();
  for (let i = 1; i < sums.length; i++) sums[i]! += sums[i - 1]!;
  const all = sums.at(-1)!;
  return (count) => count < 0 ? 0 : count >= sums.length ? 1 : sums[count]! / all;
}

/** The lower tail of a normal distribution, corrected for the steps of 1 in which counts go. */
function normalAtMost(mean: number, variance: number): (count: number) => number {
  return (count) => (1 + errorFunction((count + 0.5 - mean) / Math.sqrt(2 * variance))) / 2;
}

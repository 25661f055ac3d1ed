/**
 * Exact rank tests for the few repetitions of a bench, and the correction for several tests.
 *
 * Both tests count the exact permutation distribution of their statistic, ties included (midranks). A normal
 * approximation is poor below some twenty values. The sizes of a bench, up to about a hundred values, take
 * milliseconds. Above {@linkcode MOST_EXACT} values counting would take minutes, and the approximation is as
 * good.
 *
 * @module
 */

import { errorFunction } from "simple-statistics";

/** The distribution of up to this many values in all is counted; that of more is taken for normal. */
export const MOST_EXACT = 200;

/** What a rank test has found. */
export interface RankTest {
  /** Mann-Whitney's U of the first sample, or Wilcoxon's sum of the positive ranks. */
  readonly statistic: number;
  /** The probability of a statistic this low or lower if there is no difference. */
  readonly pLess: number;
  /** The probability of a statistic this high or higher if there is no difference. */
  readonly pGreater: number;
  /** The two-sided p-value: twice the smaller of the two, at most 1. */
  readonly p: number;
}

/**
 * The Mann-Whitney U test (Wilcoxon's rank-sum test) of two independent samples: exact, and where there are
 * ties exact for these ties. H. B. Mann, D. R. Whitney, Annals of Mathematical Statistics 18 (1947) 50–60.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { testMannWhitney } from "./rank_tests.ts";
 *
 * // The example of scipy.stats.mannwhitneyu.
 * const { statistic, p } = testMannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]);
 * assertEquals(statistic, 17);
 * assertAlmostEquals(p, 1 / 9);
 * ```
 */
export function testMannWhitney(a: readonly number[], b: readonly number[]): RankTest {
  const doubled = doubledMidranks([...a, ...b]);
  const rankSum = sum(doubled.slice(0, a.length));
  const statistic = (rankSum - a.length * (a.length + 1)) / 2;
  if (doubled.length > MOST_EXACT) {
    const mean = a.length * (doubled.length + 1);
    const squares = sum(doubled.map((rank) => (rank - doubled.length - 1) ** 2));
    const variance = a.length * b.length / doubled.length / (doubled.length - 1) * squares;
    return { statistic, ...normalTails(rankSum, mean, variance) };
  }
  // ways[k][s]: how many sets of k of the ranks have the sum s.
  const width = sum(doubled) + 1;
  const ways = Array.from({ length: a.length + 1 }, () => new Float64Array(width));
  ways[0]![0] = 1;
  let reach = 0;
  for (const rank of doubled) {
    reach += rank;
    for (let k = a.length; k > 0; k--) {
      const [into, from] = [ways[k]!, ways[k - 1]!];
      for (let s = reach; s >= rank; s--) into[s]! += from[s - rank]!;
    }
  }
  return { statistic, ...tailsOf(ways[a.length]!, rankSum) };
}

/**
 * Wilcoxon's signed-rank test of paired differences: exact, and where there are ties exact for these ties.
 * Differences of zero say nothing and are left out, as Wilcoxon left them out. F. Wilcoxon, Biometrics
 * Bulletin 1 (1945) 80–83.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { testSignedRank } from "./rank_tests.ts";
 *
 * // The example of scipy.stats.wilcoxon, which reports the smaller sum, 24, and this p.
 * const { statistic, p } = testSignedRank([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]);
 * assertEquals(statistic, 96);
 * assertAlmostEquals(p, 0.041259765625);
 * ```
 */
export function testSignedRank(differences: readonly number[]): RankTest {
  const nonZero = differences.filter((difference) => difference !== 0);
  const doubled = doubledMidranks(nonZero.map(Math.abs));
  const positive = sum(doubled.filter((_, i) => nonZero[i]! > 0));
  if (doubled.length > MOST_EXACT) {
    const variance = sum(doubled.map((rank) => rank ** 2)) / 4;
    return { statistic: positive / 2, ...normalTails(positive, sum(doubled) / 2, variance) };
  }
  const ways = new Float64Array(sum(doubled) + 1);
  ways[0] = 1;
  let reach = 0;
  for (const rank of doubled) {
    reach += rank;
    for (let s = reach; s >= rank; s--) ways[s]! += ways[s - rank]!;
  }
  return { statistic: positive / 2, ...tailsOf(ways, positive) };
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
 * Adjusts the p-values of several tests so that the chance of even one false alarm among them stays that of a
 * single test. S. Holm, Scandinavian Journal of Statistics 6 (1979) 65–70.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { adjustHolm } from "./rank_tests.ts";
 *
 * assertEquals(adjustHolm([0.25, 0.0625, 0.125]), [0.25, 0.1875, 0.25]);
 * ```
 */
export function adjustHolm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!);
  const adjusted = new Array<number>(ps.length);
  let atLeast = 0;
  for (const [rank, i] of order.entries()) {
    atLeast = Math.min(1, Math.max(atLeast, (ps.length - rank) * ps[i]!));
    adjusted[i] = atLeast;
  }
  return adjusted;
}

/**
 * Twice the ranks of the values. Ties share the mean of their ranks, and twice that mean is a whole number.
 */
function doubledMidranks(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  for (const [i, value] of sorted.entries()) {
    if (!first.has(value)) first.set(value, i + 1);
    last.set(value, i + 1);
  }
  return values.map((value) => first.get(value)! + last.get(value)!);
}

function tailsOf(ways: Float64Array, observed: number): Omit<RankTest, "statistic"> {
  const all = sum(ways);
  const pLess = sum(ways.subarray(0, observed + 1)) / all;
  const pGreater = sum(ways.subarray(observed)) / all;
  return { pLess, pGreater, p: Math.min(1, 2 * Math.min(pLess, pGreater)) };
}

/** The tails of a normal distribution, corrected for the steps of 2 in which sums of doubled ranks go. */
function normalTails(observed: number, mean: number, variance: number): Omit<RankTest, "statistic"> {
  if (variance === 0) return { pLess: 1, pGreater: 1, p: 1 };
  const below = (z: number) => (1 + errorFunction(z / Math.SQRT2)) / 2;
  const deviation = Math.sqrt(variance);
  const pLess = below((observed + 1 - mean) / deviation);
  const pGreater = below((mean + 1 - observed) / deviation);
  return { pLess, pGreater, p: Math.min(1, 2 * Math.min(pLess, pGreater)) };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  holmLevels,
  intervalOf,
  mannWhitneyEstimates,
  pGreater,
  pLess,
  type RankEstimates,
  signedRankEstimates,
  signEstimates,
  smallestMannWhitneyP,
  smallestP,
  smallestSignedRankP,
} from "../../tools/verdict/rank_tests.ts";

/** How many of the estimates are above 1: Mann-Whitney's U, or Wilcoxon's sum of the positive ranks. */
const statisticOf = ({ sorted }: RankEstimates) => sorted.filter((estimate) => estimate > 1).length;
const pOf = (estimates: RankEstimates) =>
  Math.min(1, 2 * Math.min(pLess(estimates, 1), pGreater(estimates, 1)));
const ofDifferences = (differences: readonly number[]) =>
  signedRankEstimates(differences.map((difference) => Math.exp(difference)));

// Documented examples of SciPy 1.17: scipy.stats.mannwhitneyu (method="exact") and scipy.stats.wilcoxon.

Deno.test("the Mann-Whitney test gives what SciPy documents, two-sided and one-sided", () => {
  const males = [19, 22, 16, 29, 24];
  const females = [20, 11, 17, 12];
  const estimates = mannWhitneyEstimates(males, females);
  assertEquals(statisticOf(estimates), 17);
  assertAlmostEquals(pOf(estimates), 0.1111111111111111, 1e-12);
  const reversed = mannWhitneyEstimates(females, males);
  assertEquals(statisticOf(reversed), 3);
  assertAlmostEquals(pLess(reversed, 1), 0.05555555555555555, 1e-12);
});

Deno.test("the signed-rank test gives what SciPy documents, two-sided and one-sided", () => {
  const estimates = ofDifferences([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]);
  assertEquals(statisticOf(estimates), 96);
  assertAlmostEquals(pOf(estimates), 0.041259765625, 1e-12);
  assertAlmostEquals(pGreater(estimates, 1), 0.0206298828125, 1e-12);
});

Deno.test("of very many values the distribution is taken for normal, which agrees with counting", () => {
  const half = Array.from({ length: 100 }, (_, i) => i + 1);
  const exact = mannWhitneyEstimates(half, half.map((value) => value + 12.5));
  const normal = mannWhitneyEstimates([...half, 50.1], half.map((value) => value + 12.5));
  assertAlmostEquals(pOf(exact), pOf(normal), 0.005);
  const differences = Array.from({ length: 200 }, (_, i) => (i % 5 < 2 ? -1 : 1) * (i + 1) / 100);
  const counted = pLess(ofDifferences(differences), 1);
  assertAlmostEquals(counted, pLess(ofDifferences([...differences, 0.005]), 1), 0.005);
  const coin = (n: number) => pGreater(signEstimates(Array.from({ length: n }, (_, i) => i % 20 - 8)), 0);
  assertAlmostEquals(coin(200), coin(220), 0.02);
});

Deno.test("ties at the limit count against a difference, and the interval ends where the test does", () => {
  const tied = mannWhitneyEstimates([1, 2, 2, 3, 5], [2, 4, 4, 6, 7]);
  // Of 25 pairs 4 are higher and 2 tied, which count as higher where the claim is "lower".
  assertEquals(statisticOf(tied), 4);
  const level = pLess(tied, 1);
  assertEquals(intervalOf(tied, { low: 0.025, high: level })!.high < 1, true);
  assertEquals(intervalOf(tied, { low: 0.025, high: level - 1e-9 })!.high, 1);
  assertEquals(pOf(signedRankEstimates([1, 1, 1, 1, 1, 1])), 1);
});

// The critical values that textbooks print, two-sided 5%: of U for n = m, and of Wilcoxon's W. Both were
// counted anew, outside of this project, from the numbers of ways in which ranks can make each sum.
const CRITICAL_U: [number, number][] = [[4, 0], [5, 2], [6, 5], [7, 8], [8, 13], [10, 23], [15, 64], [
  20,
  127,
]];
const CRITICAL_W: [number, number][] = [[6, 0], [7, 2], [8, 3], [9, 5], [10, 8], [15, 25], [20, 52], [
  25,
  89,
]];

Deno.test("the largest statistics that count as significant are those of the published tables", () => {
  for (const [n, critical] of CRITICAL_U) {
    const at = (u: number) => mannWhitneyEstimates(...samplesWithU(n, u));
    assertEquals(statisticOf(at(critical)), critical);
    assertEquals(pOf(at(critical)) <= 0.05, true, `U = ${critical}, n = ${n}`);
    assertEquals(pOf(at(critical + 1)) > 0.05, true, `U = ${critical + 1}, n = ${n}`);
  }
  for (const [n, critical] of CRITICAL_W) {
    const at = (sum: number) => ofDifferences(differencesWithSum(n, sum));
    assertEquals(statisticOf(at(critical)), critical);
    assertEquals(pOf(at(critical)) <= 0.05, true, `W = ${critical}, n = ${n}`);
    assertEquals(pOf(at(critical + 1)) > 0.05, true, `W = ${critical + 1}, n = ${n}`);
  }
});

Deno.test("the smallest p of a size is what complete separation gives", () => {
  for (const n of [1, 3, 5, 8]) {
    const low = Array.from({ length: n }, (_, i) => i + 1);
    const separate = mannWhitneyEstimates(low, low.map((x) => x + n));
    assertAlmostEquals(pOf(separate), smallestMannWhitneyP(n, n), 1e-12);
    assertAlmostEquals(2 * smallestP(separate), smallestMannWhitneyP(n, n), 1e-12);
    assertAlmostEquals(pOf(ofDifferences(low)), smallestSignedRankP(n), 1e-12);
  }
  assertAlmostEquals(smallestMannWhitneyP(5, 5), 2 / 252, 1e-12);
  assertAlmostEquals(smallestP(mannWhitneyEstimates([1, 2, 3], [4, 5, 6, 7, 8])), 1 / 56, 1e-12);
});

Deno.test("Holm's procedure divides the level by the tests that are left, and goes no further than the first that shows nothing", () => {
  assertEquals(holmLevels([0.03, 0.001, 0.04], 0.06), [0.03, 0.02, 0.06]);
  assertEquals(holmLevels([0.75, 0.5], 0.05), [0.025, 0.025]);
  assertEquals(holmLevels([0.01, 0.01, 0.04], 0.06), [0.02, 0.02, 0.06]);
  assertEquals(holmLevels([], 0.05), []);
});

/** Two samples of n distinct values whose U is the one given. */
function samplesWithU(n: number, u: number): [number[], number[]] {
  const places = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1, left = u; i >= 0 && left > 0; i--) {
    const step = Math.min(n, left);
    places[i]! += step;
    left -= step;
  }
  const others = Array.from({ length: 2 * n }, (_, i) => i).filter((place) => !places.includes(place));
  return [places.map((place) => place + 1), others.map((place) => place + 1)];
}

/** The differences ±1…±n of which the positive ones have the sum given. */
function differencesWithSum(n: number, sum: number): number[] {
  const positive = new Set<number>();
  for (let rank = n, left = sum; rank > 0; rank--) {
    if (rank > left) continue;
    positive.add(rank);
    left -= rank;
  }
  return Array.from({ length: n }, (_, i) => positive.has(i + 1) ? i + 1 : -(i + 1));
}

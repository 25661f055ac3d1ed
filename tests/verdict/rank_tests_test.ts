import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  adjustHolm,
  smallestMannWhitneyP,
  smallestSignedRankP,
  testMannWhitney,
  testSignedRank,
} from "../../tools/verdict/rank_tests.ts";

// Documented examples of SciPy 1.17: scipy.stats.mannwhitneyu (method="exact") and scipy.stats.wilcoxon.

Deno.test("the Mann-Whitney test gives what SciPy documents, two-sided and one-sided", () => {
  const males = [19, 22, 16, 29, 24];
  const females = [20, 11, 17, 12];
  const test = testMannWhitney(males, females);
  assertEquals(test.statistic, 17);
  assertAlmostEquals(test.p, 0.1111111111111111, 1e-12);
  const reversed = testMannWhitney(females, males);
  assertEquals(reversed.statistic, 3);
  assertAlmostEquals(reversed.pLess, 0.05555555555555555, 1e-12);
});

Deno.test("the signed-rank test gives what SciPy documents, two-sided and one-sided", () => {
  const test = testSignedRank([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]);
  assertEquals(test.statistic, 96);
  assertAlmostEquals(test.p, 0.041259765625, 1e-12);
  assertAlmostEquals(test.pGreater, 0.0206298828125, 1e-12);
});

// scipy.stats.mannwhitneyu(method="asymptotic") and wilcoxon(method="asymptotic", correction=True) give
// these.
Deno.test("of very many values the distribution is taken for normal, ties corrected, in no time", () => {
  const a = Array.from({ length: 120 }, (_, i) => (i * 37) % 101);
  const b = Array.from({ length: 130 }, (_, i) => ((i * 53) % 101) + 7);
  const ranks = testMannWhitney(a, b);
  assertEquals(ranks.statistic, 6816.5);
  assertAlmostEquals(ranks.p, 0.08526164069707029, 1e-7);
  assertAlmostEquals(ranks.pLess, 0.042630820348535145, 1e-7);
  const signed = testSignedRank(Array.from({ length: 250 }, (_, i) => ((i * 37) % 101) - 45));
  assertEquals(signed.statistic, 18227.5);
  assertAlmostEquals(signed.p, 0.013646226753591013, 1e-7);
  assertAlmostEquals(signed.pLess, 0.9931937163814154, 1e-7);
  const same = new Array(300).fill(1);
  assertEquals(testMannWhitney(same, same).p, 1);
  // Where both ways of counting are possible they agree.
  const half = Array.from({ length: 100 }, (_, i) => i);
  const exact = testMannWhitney(half, half.map((value) => value + 12.5));
  const normal = testMannWhitney([...half, 50], half.map((value) => value + 12.5));
  assertAlmostEquals(exact.p, normal.p, 0.005);
});

// With ties SciPy's exact methods step aside. Its permutation_test over all arrangements gives these.
Deno.test("ties share their mean rank, and the distribution is that of all arrangements of the ties", () => {
  const ranks = testMannWhitney([1, 2, 2, 3, 5], [2, 4, 4, 6, 7]);
  assertEquals(ranks.statistic, 5);
  assertAlmostEquals(ranks.p, 0.14285714285714285, 1e-12);
  const signed = testSignedRank([1, -1, 2, 2, 3, -2, 5, 0]);
  assertEquals(signed.statistic, 22.5);
  assertAlmostEquals(signed.p, 26 / 128, 1e-12);
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
    assertEquals(testMannWhitney(...samplesWithU(n, critical)).statistic, critical);
    assertEquals(testMannWhitney(...samplesWithU(n, critical)).p <= 0.05, true, `U = ${critical}, n = ${n}`);
    assertEquals(
      testMannWhitney(...samplesWithU(n, critical + 1)).p > 0.05,
      true,
      `U = ${critical + 1}, n = ${n}`,
    );
  }
  for (const [n, critical] of CRITICAL_W) {
    assertEquals(testSignedRank(differencesWithSum(n, critical)).statistic, critical);
    assertEquals(
      testSignedRank(differencesWithSum(n, critical)).p <= 0.05,
      true,
      `W = ${critical}, n = ${n}`,
    );
    assertEquals(
      testSignedRank(differencesWithSum(n, critical + 1)).p > 0.05,
      true,
      `W = ${critical + 1}, n = ${n}`,
    );
  }
});

Deno.test("the smallest p of a size is what complete separation gives", () => {
  for (const n of [1, 3, 5, 8]) {
    const low = Array.from({ length: n }, (_, i) => i + 1);
    assertAlmostEquals(testMannWhitney(low, low.map((x) => x + n)).p, smallestMannWhitneyP(n, n), 1e-12);
    assertAlmostEquals(testSignedRank(low).p, smallestSignedRankP(n), 1e-12);
  }
  assertAlmostEquals(smallestMannWhitneyP(5, 5), 2 / 252, 1e-12);
});

Deno.test("Holm's correction multiplies the smallest p by the number of tests and never reverses their order", () => {
  assertEquals(adjustHolm([0.25, 0.0625, 0.125]), [0.25, 0.1875, 0.25]);
  assertEquals(adjustHolm([0.75, 0.5]), [1, 1]);
  assertEquals(adjustHolm([]), []);
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
  return [places, others];
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

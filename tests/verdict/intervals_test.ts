import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { estimateMedian, estimateRatio } from "../../tools/verdict/intervals.ts";

// The ranks that scipy.stats.quantile_test(range(1, n + 1), p=0.5).confidence_interval(0.95) gives in SciPy
// 1.17.
const RANKS: [number, number, number][] = [
  [6, 1, 6],
  [8, 1, 8],
  [9, 2, 8],
  [10, 2, 9],
  [15, 4, 12],
  [20, 6, 15],
  [25, 8, 18],
];

Deno.test("the interval of a median lies between the ranks that SciPy gives", () => {
  for (const [n, low, high] of RANKS) {
    const interval = estimateMedian(Array.from({ length: n }, (_, i) => n - i))!;
    assertEquals([interval.low, interval.high], [low, high], `n = ${n}`);
    assert(interval.confidence >= 0.95);
  }
  assertAlmostEquals(estimateMedian(Array.from({ length: 10 }, (_, i) => i))!.confidence, 0.978515625, 1e-12);
});

Deno.test("below 6 values the interval is the lowest and the highest, with the confidence that they have", () => {
  assertEquals(estimateMedian([4, 1, 3]), { estimate: 3, low: 1, high: 4, confidence: 0.75 });
  assertEquals(estimateMedian([7]), { estimate: 7, low: 7, high: 7, confidence: 0 });
  assertEquals(estimateMedian([]), undefined);
});

Deno.test("a paired ratio does not see what drifts from round to round", () => {
  const baseline = [100, 120, 80, 95, 140, 110];
  const candidate = baseline.map((value) => value * 0.9);
  const ratio = estimateRatio({ baseline, candidate, paired: true })!;
  for (const value of [ratio.estimate, ratio.low, ratio.high]) assertAlmostEquals(value, 0.9, 1e-12);
  const unpaired = estimateRatio({ baseline, candidate, paired: false })!;
  assert(unpaired.high - unpaired.low > 0.2);
});

Deno.test("the interval of a ratio lies between the means of two that the signed-rank test does not reject", () => {
  // Sums of positive ranks of 0, 1 and 2 have a way each of 128, so the third of 28 means is the limit.
  const candidate = [91, 92, 93, 94, 95, 96, 98];
  const { low, high, confidence } = estimateRatio({
    baseline: candidate.map(() => 100),
    candidate,
    paired: true,
  })!;
  assertEquals(confidence, 1 - 2 * 3 / 128);
  assertAlmostEquals(low, Math.sqrt(0.91 * 0.93), 1e-12);
  assertAlmostEquals(high, Math.sqrt(0.95 * 0.98), 1e-12);
});

Deno.test("a ratio of few repetitions has the confidence of its extremes, and one alone none", () => {
  const confidence = (n: number, paired: boolean) => {
    const values = Array.from({ length: n }, (_, i) => i + 1);
    return estimateRatio({ baseline: values, candidate: values, paired })!.confidence;
  };
  assertEquals([1, 2, 3, 5].map((n) => confidence(n, true)), [0, 0.5, 0.75, 0.9375]);
  assertAlmostEquals(confidence(3, false), 0.9, 1e-12);
});

Deno.test("a baseline of 0 has a ratio: none to 0 is no change, and something to 0 is beyond all bounds", () => {
  const ratio = (candidate: number[]) => estimateRatio({ baseline: [0, 0, 0, 0], candidate, paired: false })!;
  assertEquals([ratio([0, 0, 0, 0]).low, ratio([0, 0, 0, 0]).high], [1, 1]);
  assertEquals(ratio([1, 2, 3, 4]).low, Infinity);
});

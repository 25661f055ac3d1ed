import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { estimateMedian, estimateRatio } from "../../tools/results/intervals.ts";

// The ranks that scipy.stats.quantile_test(range(1, n + 1), p=0.5).confidence_interval(0.95) gives in SciPy 1.17.
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
  const baseline = [100, 120, 80, 95, 140];
  const candidate = baseline.map((value) => value * 0.9);
  const ratio = estimateRatio({ baseline, candidate, paired: true }, { seed: 1 })!;
  for (const value of [ratio.estimate, ratio.low, ratio.high]) assertAlmostEquals(value, 0.9, 1e-12);
  const unpaired = estimateRatio({ baseline, candidate, paired: false }, { seed: 1 })!;
  assert(unpaired.high - unpaired.low > 0.2);
});

Deno.test("with 5 pairs the bootstrap interval of a ratio is the lowest and the highest", () => {
  const baseline = [100, 100, 100, 100, 100];
  const ratio = estimateRatio({ baseline, candidate: [90, 93, 91, 97, 92], paired: true }, { seed: 7 })!;
  assertEquals([ratio.estimate, ratio.low, ratio.high], [0.92, 0.9, 0.97]);
});

Deno.test("the same seed gives the same interval, and a baseline of 0 gives none", () => {
  const values = { baseline: [10, 11, 12, 13, 9, 10], candidate: [9, 8, 10, 11, 9, 12], paired: false };
  assertEquals(estimateRatio(values, { seed: 3 }), estimateRatio(values, { seed: 3 }));
  assertEquals(estimateRatio({ ...values, baseline: [0, 1, 2, 3, 4, 5] }, { seed: 3 }), undefined);
});

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { normalRandom } from "../support/simulation.ts";
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
  assertEquals(ratio, { estimate: 0.92, low: 0.9, high: 0.97, confidence: 0.9375 });
});

Deno.test("a ratio of few repetitions has the confidence of its extremes, and one alone none", () => {
  const confidence = (n: number, paired: boolean) => {
    const values = Array.from({ length: n }, (_, i) => i + 1);
    return estimateRatio({ baseline: values, candidate: values, paired }, { seed: 1, resamples: 9 })!
      .confidence;
  };
  assertEquals([1, 2, 3, 6, 20].map((n) => confidence(n, true)), [0, 0.5, 0.75, 0.95, 0.95]);
  assertEquals(confidence(2, false), 0.5);
});

Deno.test("the interval of a ratio holds the true one in nine simulated benches of ten or more", () => {
  const { normal } = normalRandom(5);
  for (const [paired, n] of [[true, 6], [true, 12], [false, 5]] as const) {
    let held = 0;
    for (let bench = 0; bench < 400; bench++) {
      const make = () => Array.from({ length: n }, () => Math.exp(0.05 * normal()));
      const values = { baseline: make(), candidate: make().map((value) => value * 0.9), paired };
      const { low, high } = estimateRatio(values, { seed: bench, resamples: 199 })!;
      if (low <= 0.9 && 0.9 <= high) held++;
    }
    assert(held >= 0.89 * 400, `${held} of 400 with ${n}`);
  }
});

Deno.test("the same seed gives the same interval, and a baseline of 0 gives none", () => {
  const values = { baseline: [10, 11, 12, 13, 9, 10], candidate: [9, 8, 10, 11, 9, 12], paired: false };
  assertEquals(estimateRatio(values, { seed: 3 }), estimateRatio(values, { seed: 3 }));
  assertEquals(estimateRatio({ ...values, baseline: [0, 1, 2, 3, 4, 5] }, { seed: 3 }), undefined);
});

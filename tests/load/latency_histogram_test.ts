import { assert, assertEquals } from "@std/assert";
import { summarizeLatency } from "../../tools/load/latency.ts";
import { bucketLatency, mergeLatency } from "../../tools/load/latency_histogram.ts";
import { normalRandom } from "../support/simulation.ts";

function madeUp(seed: number): Map<number, number> {
  const { normal } = normalRandom(seed);
  const histogram = new Map<number, number>();
  for (let i = 0; i < 20_000; i++) {
    const us = Math.round(70_000 * Math.exp(normal()));
    histogram.set(us, (histogram.get(us) ?? 0) + 1);
  }
  return histogram;
}

Deno.test("merging kept histograms gives exactly the kept histogram of all answers", () => {
  const [a, b] = [madeUp(1), madeUp(2)];
  const all = new Map(a);
  for (const [us, count] of b) all.set(us, (all.get(us) ?? 0) + count);
  const kept = mergeLatency([bucketLatency(a), bucketLatency(b)]);
  assertEquals(bucketLatency(kept), bucketLatency(all));
});

Deno.test("what is read off a kept histogram is at most 1/256 above the truth and never below", () => {
  const exact = madeUp(3);
  const truth = summarizeLatency(exact);
  const kept = summarizeLatency(mergeLatency([bucketLatency(exact)]));
  for (const name of ["p50", "p75", "p90", "p99", "p999", "max"] as const) {
    assert(kept[name] >= truth[name] && kept[name] <= truth[name] * (1 + 1 / 256), name);
  }
  assert(bucketLatency(exact).us.length < 3000);
});

Deno.test("latencies below 512 µs are kept as they are, and no answer is lost", () => {
  const kept = bucketLatency(new Map([[0, 1], [1, 2], [511, 3], [512, 4], [513, 5]]));
  assertEquals(kept, { us: [0, 1, 511, 513], count: [1, 2, 3, 9] });
});

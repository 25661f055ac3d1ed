import { assertEquals } from "@std/assert";
import { LatencyCounts, summarizeLatency } from "../../tools/load/latency.ts";

Deno.test("percentiles are the nearest rank of the answers", () => {
  const histogram = new Map(Array.from({ length: 1000 }, (_, i) => [i + 1, 1]));
  const { p50, p75, p90, p99, p999, max, mean } = summarizeLatency(histogram);
  assertEquals([p50, p75, p90, p99, p999, max, mean], [500, 750, 900, 990, 999, 1000, 500.5]);
});

Deno.test("answers that came too late count as the timeout, and not as nothing", () => {
  const latency = summarizeLatency(new Map([[10, 90]]), { timeouts: 10, timeoutUs: 2_000_000 });
  assertEquals(latency.p90, 10);
  assertEquals(latency.p99, 2_000_000);
  assertEquals(latency.mean, (90 * 10 + 10 * 2_000_000) / 100);
});

Deno.test("an empty histogram is all zeros", () => {
  assertEquals(summarizeLatency(new Map()), { mean: 0, p50: 0, p75: 0, p90: 0, p99: 0, p999: 0, max: 0 });
});

Deno.test("latencies of any length are counted by the microsecond, and come out in ascending order", () => {
  const counts = new LatencyCounts();
  for (const us of [2_000_000, 7.4, 6.6, 65_536, 65_535, 65_536.4]) counts.add(us);
  assertEquals([...counts.histogram()], [[7, 2], [65_535, 1], [65_536, 2], [2_000_000, 1]]);
});

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { divideLoad } from "../../tools/load/divide_load.ts";
import { summarizeLatency } from "../../tools/load/latency.ts";
import { bucketLatency } from "../../tools/load/latency_histogram.ts";
import type { LoadReport } from "../../tools/load/load.ts";
import { mergeReports } from "../../tools/load/load_reports.ts";
import { normalRandom } from "../support/simulation.ts";

const NO_ERROR = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };

function reportOf(raw: readonly number[], timeouts: number, durationSec = 2): LoadReport {
  const latencies = new Map<number, number>();
  for (const us of raw) latencies.set(us, (latencies.get(us) ?? 0) + 1);
  const errors = { ...NO_ERROR, timeout: timeouts };
  return {
    requests: raw.length + timeouts,
    durationSec,
    bytesRead: raw.length,
    errors,
    latencies,
    timeoutMs: 2000,
  };
}

/** The nearest rank, found in the raw data itself. */
function percentile(sorted: readonly number[], fraction: number): number {
  return sorted[Math.ceil(sorted.length * fraction) - 1]!;
}

Deno.test("percentiles of merged clients are those of their joined raw latencies, whatever each client saw", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const { normal, uniform } = normalRandom(seed);
    const clients = Array.from({ length: 1 + Math.floor(uniform() * 5) }, () => {
      const scale = 1000 * Math.exp(2 * normal());
      const raw = Array.from(
        { length: Math.floor(uniform() * 400) },
        () => Math.round(scale * Math.exp(normal())),
      );
      return { raw, timeouts: uniform() < 0.3 ? Math.floor(uniform() * 20) : 0 };
    });
    const joined = clients.flatMap(({ raw, timeouts }) => [
      ...raw,
      ...Array.from({ length: timeouts }, () => 2_000_000),
    ]).sort((a, b) => a - b);
    if (joined.length === 0) continue;
    const { latencyUs, requests } = mergeReports(clients.map(({ raw, timeouts }) => reportOf(raw, timeouts)));
    assertEquals(requests, joined.length);
    assertEquals(
      [latencyUs.p50, latencyUs.p75, latencyUs.p90, latencyUs.p99, latencyUs.p999, latencyUs.max],
      [0.5, 0.75, 0.9, 0.99, 0.999, 1].map((fraction) => percentile(joined, fraction)),
      `seed ${seed}`,
    );
    assertAlmostEquals(latencyUs.mean, joined.reduce((sum, us) => sum + us, 0) / joined.length, 1e-3);
  }
});

Deno.test("a mean of the clients' percentiles would be another figure", () => {
  const fast = reportOf(Array.from({ length: 99_000 }, () => 10_000), 0);
  const slow = reportOf(Array.from({ length: 1_000 }, () => 900_000), 0);
  const p99s = [fast, slow].map(({ latencies }) => summarizeLatency(latencies).p99);
  assertEquals(p99s, [10_000, 900_000]);
  assertEquals(mergeReports([fast, slow]).latencyUs.p99, 10_000);
});

Deno.test("counts are added up, histograms kept, and no report is changed by it", () => {
  const [a, b] = [reportOf([100, 100, 700], 1), reportOf([100, 5000], 0)];
  const merged = mergeReports([a, b]);
  assertEquals(merged.errors, { ...NO_ERROR, timeout: 1 });
  assertEquals([merged.requests, merged.bytesRead], [6, 5]);
  assertEquals(merged.latencyHistogram, bucketLatency(new Map([[100, 3], [700, 1], [5000, 1]])));
  assertEquals([...a.latencies], [[100, 2], [700, 1]]);
  assertEquals(
    mergeReports([a]).latencyUs,
    summarizeLatency(a.latencies, { timeouts: 1, timeoutUs: 2_000_000 }),
  );
});

Deno.test("requests/s is the sum of the clients' rates, also where one of them took longer", () => {
  const merged = mergeReports([
    { ...reportOf([1], 0), requests: 1000, durationSec: 1 },
    { ...reportOf([1], 0), requests: 1000, durationSec: 2 },
  ]);
  assertEquals(merged.requestsPerSec, 1500);
  assertAlmostEquals(merged.requests / merged.durationSec, 1500);
  assertEquals(mergeReports([{ ...reportOf([], 0), durationSec: 3 }]).durationSec, 3);
});

Deno.test("arrivals of open loops are added up, and a load in which some do not say what is in flight does not say it", () => {
  const one = { ...reportOf([1], 0), arrivals: { due: 10, unsent: 1, late: 2 }, inFlight: 3 };
  const { arrivals, inFlight } = mergeReports([one, { ...one, arrivals: { due: 5, unsent: 0, late: 1 } }]);
  assertEquals([arrivals, inFlight], [{ due: 15, unsent: 1, late: 3 }, 6]);
  assertEquals(mergeReports([one, reportOf([1], 0)]).inFlight, undefined);
});

Deno.test("connections and rate are divided exactly, and all clients have as many threads", () => {
  const load = { connections: 1000, threads: 2, ratePerSec: 1001 };
  assertEquals(divideLoad(load, 3), [
    { connections: 334, threads: 1, ratePerSec: 334 },
    { connections: 333, threads: 1, ratePerSec: 334 },
    { connections: 333, threads: 1, ratePerSec: 333 },
  ]);
  assertEquals(divideLoad(load, 2).map(({ threads }) => threads), [2, 2]);
  for (let total = 2; total < 200; total++) {
    for (let clients = 2; clients <= Math.min(total, 50); clients++) {
      const parts = divideLoad({ connections: total, threads: 12 }, clients);
      const counts = parts.map(({ connections }) => connections);
      assertEquals(counts.reduce((sum, count) => sum + count), total);
      assertEquals(Math.max(...counts) - Math.min(...counts) <= 1, true);
      assertEquals(parts.every(({ connections, threads }) => connections % threads === 0), true);
    }
  }
});

Deno.test("a load that is too small for its clients is refused by its field", () => {
  assertThrows(
    () => divideLoad({ connections: 2, threads: 1 }, 3),
    TimewaitError,
    "connections of 2 cannot be divided among 3 clients: give at least 3",
  );
  assertThrows(
    () => divideLoad({ connections: 9, threads: 1, ratePerSec: 2 }, 3),
    TimewaitError,
    "rate of 2 cannot be divided among 3 clients",
  );
});

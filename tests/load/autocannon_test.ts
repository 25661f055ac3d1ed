import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { type BackendOptions, startBackend } from "../../tools/parties/backend_server.ts";
import { localMachine } from "../../tools/lab/host.ts";
import { parseAutocannonReport, prepareAutocannon, startAutocannon } from "../../tools/load/autocannon.ts";
import { summarizeLatency } from "../../tools/load/latency.ts";
import type { LoadResult } from "../../tools/load/load.ts";
import { mergeReports } from "../../tools/load/load_reports.ts";

const OPTIONS = { connections: 8, threads: 1, headers: ["X-A: b: c"] };

async function runAutocannon(
  backend: BackendOptions,
  times: { readonly durationMs: number; readonly timeoutMs: number },
  whenOver: (port: number, table: string) => void = () => {},
): Promise<LoadResult> {
  await prepareAutocannon();
  await using server = startBackend({ listen: { hostname: "127.0.0.1", port: 0 }, ...backend });
  await using host = localMachine();
  const { port } = server.address;
  await using load = await startAutocannon(host, { ...OPTIONS, ...times, url: `http://127.0.0.1:${port}/` });
  await load.over;
  const [table] = await host.readProc("/proc/net/tcp");
  whenOver(port, table!);
  return mergeReports([await load.finish()]);
}

Deno.test("autocannon drives a load in wrk's place, its connections open until it may end", async () => {
  const { requests, errors, latencyHistogram, latencyUs } = await runAutocannon(
    { status: 503, latency: 3 },
    { durationMs: 1000, timeoutMs: 2000 },
    (port, table) => {
      const hex = port.toString(16).toUpperCase().padStart(4, "0");
      assertEquals(table.match(new RegExp(`:[0-9A-F]{4} 0100007F:${hex} 01 `, "g"))?.length, 8);
    },
  );
  assertGreater(requests, 0);
  assertEquals(errors.status, requests);
  assertEquals(
    latencyHistogram!.count.reduce((sum, count) => sum + count),
    requests,
    "every answer is in it",
  );
  assertGreater(latencyUs.p50, 3_000);
  assert(latencyHistogram!.us.some((us) => us % 1000 > 1), "not cut off at whole milliseconds");
});

Deno.test("autocannon's late answers are counted, and are the worst latencies", async () => {
  const { requests, errors } = await runAutocannon(
    { latency: 2500 },
    { durationMs: 1500, timeoutMs: 1000 },
  );
  assertEquals([requests, errors.timeout > 0], [0, true], "none came in time");
});

const RESULT = {
  requests: { total: 4 },
  duration: 2,
  throughput: { total: 512 },
  errors: 3,
  timeouts: 1,
  "1xx": 0,
  "4xx": 1,
  "5xx": 1,
};
const HISTOGRAM = [1_000, 3, 70_000, 1];
const reportOf = (result: unknown, histogram: unknown = HISTOGRAM) => JSON.stringify({ result, histogram });

Deno.test("a late answer is a request that took at least the timeout", () => {
  const result = mergeReports([parseAutocannonReport(reportOf(RESULT), 2000)]);
  assertEquals([result.requests, result.requestsPerSec], [5, 2.5]);
  assertEquals(result.errors, { connect: 2, read: 0, write: 0, timeout: 1, status: 2 });
  const histogram = new Map([[1_000, 3], [70_000, 1]]);
  assertEquals(result.latencyUs, summarizeLatency(histogram, { timeouts: 1, timeoutUs: 2_000_000 }));
  assertEquals(result.latencyUs.max, 2_000_000);
});

Deno.test("a result that is damaged, or contradicts its histogram, is refused", () => {
  for (
    const damage of [
      "",
      "{}",
      "null",
      '{"result":{}}',
      reportOf({ ...RESULT, requests: { total: "4" } }),
      reportOf({ ...RESULT, duration: -1 }),
      reportOf({ ...RESULT, requests: { total: 5 } }),
      reportOf({ ...RESULT, timeouts: 4 }),
      reportOf(RESULT, [1_000, 3, 70_000]),
      reportOf(RESULT, [1_000, 3, -70_000, 1]),
      reportOf(RESULT, [1_000, 3.5, 70_000, 0.5]),
    ]
  ) {
    assertThrows(() => parseAutocannonReport(damage, 2000), Error, "autocannon's result is damaged");
  }
});

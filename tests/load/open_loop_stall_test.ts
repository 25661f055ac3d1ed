/**
 * The open loop against wrk2's method: latency counts from when a request was due, so that what a stall does
 * to the latencies follows from its length alone. Of a load of `rate` requests a second, a backend that
 * stands still for `d` seconds makes `rate × (d − x)` wait longer than `x`, however many connections there
 * are. A loop that counts from when it sent has no more slow answers than connections.
 */

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { delay } from "@std/async/delay";
import { BACKEND_SCRIPT, denoArgv } from "../../tools/lab/deno_script.ts";
import { localMachine } from "../../tools/lab/host.ts";
import type { LoadResult } from "../../tools/load/load.ts";
import { startLoad } from "../../tools/load/start_load.ts";
import { until } from "../support/until.ts";
import "../support/one_at_a_time.ts";

/**
 * Far below what the backend can answer, so that the backlog of a stall is gone soon after it, also on a
 * machine that has other things to do.
 */
const RATE = 1_000;
const CONNECTIONS = 8;
const LOAD = { connections: CONNECTIONS, threads: 1, durationMs: 2_000, timeoutMs: 2_000, headers: [] };

/** A stall: at least so long, because it had begun and had not been ended, and at most so long. */
interface Stall {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Stops a process group for 100 ms, again and again, for most of the load. */
async function stall(processGroup: number): Promise<Stall[]> {
  const stalls: Stall[] = [];
  for (const endMs = performance.now() + 0.7 * LOAD.durationMs; performance.now() < endMs;) {
    await delay(250);
    const beforeMs = performance.now();
    Deno.kill(-processGroup, "SIGSTOP");
    const stoppedMs = performance.now();
    await delay(100);
    const stillMs = performance.now();
    Deno.kill(-processGroup, "SIGCONT");
    stalls.push({ leastMs: stillMs - stoppedMs, mostMs: performance.now() - beforeMs });
  }
  return stalls;
}

/** Answers that took longer than this. */
function slowerThan({ latencyHistogram }: LoadResult, ms: number): number {
  const { us, count } = latencyHistogram!;
  return count.reduce((sum, answers, i) => us[i]! > ms * 1000 ? sum + answers : sum, 0);
}

Deno.test("a backend that stands still makes as many answers slow as its stalls and the rate say, and no connection hides any", async () => {
  await using host = localMachine();
  const listening = Promise.withResolvers<string>();
  await using backend = await host.start({
    name: "the backend",
    argv: denoArgv(BACKEND_SCRIPT, ["--listen", "127.0.0.1:0"]),
    onStdout: (line) => listening.resolve(line.slice("listening on ".length)),
  });
  const url = await listening.promise;
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, "0");
  await using load = await startLoad("open-loop", host, { ...LOAD, url, ratePerSec: RATE });
  await until(async () => {
    const [table] = await host.readProc("/proc/net/tcp");
    return table!.match(new RegExp(`:[0-9A-F]{4} 0100007F:${port} 01 `, "g"))?.length === CONNECTIONS;
  });
  const stalls = await stall(backend.processGroup);
  await load.over;
  const result = await load.finish();

  assertEquals(result.arrivals!.due, RATE * LOAD.durationMs / 1000);
  assertEquals(result.requests, result.arrivals!.due, "all are answered, the backlog of each stall included");
  for (const ms of [25, 50, 75]) {
    const waited = slowerThan(result, ms);
    const model = (lengthMs: number) => RATE / 1000 * Math.max(0, lengthMs - ms);
    const least = stalls.reduce((sum, { leastMs }) => sum + model(leastMs), 0);
    // A busy machine lets the backend and the generator go on only some time after the stall.
    const most = stalls.reduce((sum, { mostMs }) => sum + model(2 * mostMs), 0);
    const what = `${waited} answers took more than ${ms} ms in ${stalls.length} stalls`;
    assertGreater(waited, 0.98 * least, what);
    assertLess(waited, most, what);
  }
  assertGreater(slowerThan(result, 25), 3 * stalls.length * CONNECTIONS, "more than connections could hide");
});

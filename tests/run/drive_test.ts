import { assertGreater, assertLess, assertRejects } from "@std/assert";
import { loadLimitMs, runWarmUp, whileAllRun } from "../../tools/run/drive.ts";
import { openLab } from "../../tools/lab/open_lab.ts";
import type { ExitStatus, RunningProcess } from "../../tools/lab/process.ts";
import type { RunningLoad } from "../../tools/load/load.ts";

/** A load that is over as soon as it has started. */
const SHORT_LOAD = {
  processGroup: 0,
  over: Promise.resolve(),
  finish: () => Promise.reject(new Error("not stopped")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
} as RunningLoad;

Deno.test("a bench that is stopped does not wait for the last answers of a warm-up", async () => {
  await using lab = await openLab("host");
  const stop = new AbortController();
  const limits = { durationMs: 1, timeoutMs: 1, latencyMs: 20_000 };
  const startMs = performance.now();
  const warm = runWarmUp(lab, () => Promise.resolve(SHORT_LOAD), limits, [], stop.signal);
  setTimeout(() => stop.abort(new Error("stopped")), 50);
  await assertRejects(() => warm, Error, "stopped");
  assertLess(performance.now() - startMs, 10_000);
});

Deno.test("what only a party could say is waited for no longer than the party lives", async () => {
  const ended = Promise.withResolvers<ExitStatus>();
  const backend = { name: "the backend", exited: ended.promise } as RunningProcess;
  const waiting = whileAllRun(new Promise<void>(() => {}), [backend], new AbortController().signal);
  ended.resolve({ code: 137, stderr: [] });
  await assertRejects(() => waiting, Error, "the backend ended while the load ran: ended by signal 9");
});

Deno.test("an open loop may take its time to connect and to give its last request up", () => {
  const [durationMs, timeoutMs] = [1_000, 60_000];
  assertGreater(loadLimitMs({ durationMs, timeoutMs }), durationMs + 2 * timeoutMs);
});

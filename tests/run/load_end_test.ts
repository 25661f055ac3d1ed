import { assertGreater, assertRejects } from "@std/assert";
import type { ExitStatus, RunningProcess } from "../../tools/lab/process.ts";
import type { RunningLoad } from "../../tools/load/load.ts";
import { loadLimitMs, untilOver, whileAllRun } from "../../tools/run/load_end.ts";

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

Deno.test("a load that hangs is an error that says for how long it was waited for", async () => {
  const load = { over: new Promise<void>(() => {}) } as RunningLoad;
  const never = new AbortController().signal;
  const hangs = untilOver(load, { durationMs: -30_000, timeoutMs: 10 }, [], never);
  await assertRejects(() => hangs, Error, "the load was not over after 0.02 s");
});

Deno.test("a load that fails is reported with its own error, and a signal with its reason", async () => {
  const times = { durationMs: 1, timeoutMs: 1 };
  const failed = { over: Promise.reject(new Error("no luck")) } as unknown as RunningLoad;
  await assertRejects(() => untilOver(failed, times, [], new AbortController().signal), Error, "no luck");
  const load = { over: new Promise<void>(() => {}) } as RunningLoad;
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => untilOver(load, times, [], stopped), Error, "stopped");
});

Deno.test("a bench that is stopped waits for nothing", async () => {
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => whileAllRun(new Promise<void>(() => {}), [], stopped), Error, "stopped");
});

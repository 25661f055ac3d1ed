import { assertLess, assertRejects } from "@std/assert";
import { openLab } from "../../tools/lab/open_lab.ts";
import type { RunningLoad } from "../../tools/load/load.ts";
import { runWarmUp } from "../../tools/run/warm_up.ts";

/** A load that is over as soon as it has started. */
const SHORT_LOAD = {
  generators: [],
  reports: [],
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

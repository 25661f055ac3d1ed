import { assertEquals, assertStringIncludes } from "@std/assert";
import { renderProgress } from "../../tools/run/progress.ts";

const DURATIONS = { durationMs: 4_000, besideMs: 2_000 };

Deno.test("the time left counts the warm-up and what else a repetition takes", () => {
  const before = { done: 0, total: 15, run: "direct", repetition: 1 };
  assertStringIncludes(renderProgress(before, DURATIONS, 80), "direct 1  starting  1m 30s left");
  const load = { elapsedMs: 2_000, requestsPerSec: 13_000, timeWait: 2 };
  assertStringIncludes(
    renderProgress({ ...before, done: 14, load }, DURATIONS, 80),
    "direct 1  13,000 requests/s  2 TIME_WAIT  2s left",
  );
});

Deno.test("the line of progress fits a narrow terminal", () => {
  const progress = { done: 1, total: 2, run: "pool-1000", repetition: 3 };
  assertEquals(renderProgress(progress, DURATIONS, 30), "[##########..........] pool-1");
});

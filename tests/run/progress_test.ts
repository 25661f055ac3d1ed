import { assertEquals, assertStringIncludes } from "@std/assert";
import { durationsOf, renderProgress, showProgress } from "../../tools/run/progress.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import { repetition } from "../support/made_up_results.ts";

const DURATIONS = {
  direct: { loadMs: 4_000, overheadMs: 2_000 },
  long: { loadMs: 20_000, overheadMs: 4_000 },
};
const BEFORE = { rounds: 5, run: "direct", repetition: 1, ended: [] };

Deno.test("the time left is that of all runs together, each with its own load, warm-up and overhead", () => {
  assertStringIncludes(renderProgress(BEFORE, DURATIONS, 80), "direct 1  starting  2m 30s left");
  const load = { elapsedMs: 2_000, requestsPerSec: 13_000, timeWait: 2 };
  assertStringIncludes(
    renderProgress({ ...BEFORE, repetition: 5, ended: ["long"], load }, DURATIONS, 80),
    "direct 5  13,000 requests/s  2 TIME_WAIT  2s left",
  );
});

Deno.test("which of the runs of a round are over decides how much time is left", () => {
  const left = (progress: Parameters<typeof renderProgress>[0]) =>
    renderProgress(progress, DURATIONS, 80).split("  ").at(-1);
  assertEquals(left({ ...BEFORE, repetition: 5, ended: ["long"] }), "6s left");
  assertEquals(left({ ...BEFORE, repetition: 5, run: "long", ended: ["direct"] }), "24s left");
});

Deno.test("a load that takes longer than planned takes no time off what comes after it", () => {
  const load = { elapsedMs: 60_000, requestsPerSec: 1, timeWait: 0 };
  assertStringIncludes(renderProgress({ ...BEFORE, repetition: 5, load }, DURATIONS, 80), "  24s left");
});

Deno.test("the line of progress fits a narrow terminal", () => {
  const durations = { "pool-1000": DURATIONS.direct };
  const progress = { rounds: 2, run: "pool-1000", repetition: 2, ended: [] };
  assertEquals(renderProgress(progress, durations, 30), "[##########..........] pool-1");
});

Deno.test("each run is expected to take as long as its own load, and its warm-up besides", () => {
  const scenario = resolveScenario({
    question: "How long?",
    load: { duration: "4s", warmUp: 0 },
    runs: [{ name: "short" }, { name: "long", load: { duration: "20s", warmUp: "3s" } }],
  }, "mine");
  const { short, long } = durationsOf({ scenario });
  assertEquals([short!.loadMs, long!.loadMs], [4_000, 20_000]);
  assertEquals(long!.overheadMs - short!.overheadMs, 3_000);
});

Deno.test("the line of a repetition says what was answered in time with 2xx or 3xx, as the table does", () => {
  let shown = "";
  const output = { write: (text: string) => void (shown += text), columns: () => undefined };
  const one = repetition(16_599, { opened: 9 });
  const refused = { ...one, errors: { ...one.errors, status: one.requests } };
  showProgress(output, {}).onRepetition("refuses", 1, refused);
  assertEquals(shown, "refuses 1: 0 requests/s, 0 TIME_WAIT\n");
});

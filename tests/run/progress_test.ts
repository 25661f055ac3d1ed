import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { durationsOf, renderProgress, runsToSumUp, showProgress } from "../../tools/run/progress.ts";
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

Deno.test("a narrow terminal loses other parts of the line before the time left", () => {
  const durations = { "pool-1000": DURATIONS.direct };
  const load = { elapsedMs: 2_000, requestsPerSec: 13_000, timeWait: 23_000 };
  const progress = { rounds: 2, run: "pool-1000", repetition: 2, ended: [], load };
  const line = (columns: number) => renderProgress(progress, durations, columns);
  assertEquals(
    line(90),
    "[#################...] pool-1000 2  13,000 requests/s  23,000 TIME_WAIT  2s left",
  );
  assertEquals(line(60), "pool-1000 2  13,000 requests/s  23,000 TIME_WAIT  2s left");
  assertEquals(line(40), "pool-1000 2  13,000 requests/s  2s left");
  assertEquals(line(30), "pool-1000 2  2s left");
  assertEquals(line(10), "2s left");
  for (let columns = 1; columns < 120; columns++) {
    assert(line(columns).length < columns, `${columns} columns: ${line(columns)}`);
    if (columns > 7) assertStringIncludes(line(columns), "2s left");
  }
});

/** A terminal that breaks lines again when its width changes, as most do; the rows that it shows. */
function terminalOf(written: readonly { text: string; columns: number }[]): string[] {
  // Lines that were ended, and the one under way; a row is a part of a line.
  const lines = [""];
  for (const { text, columns } of written) {
    // deno-lint-ignore no-control-regex
    for (const [token] of text.matchAll(/\x1b\[[AK]|\r|\n|[^\x1b\r\n]+/g)) {
      const row = lines.at(-1)!;
      const from = Math.max(0, Math.ceil(row.length / columns) - 1) * columns;
      if (token === "\n") lines.push("");
      else if (token === "\x1b[K") lines[lines.length - 1] = row.slice(0, from);
      // Up from the first row of the line under way is into a line that was ended.
      else if (token === "\x1b[A" && row === "") lines.splice(-2, 2, "");
      else if (token !== "\r" && token !== "\x1b[A") lines[lines.length - 1] += token;
    }
  }
  return lines;
}

Deno.test("a terminal that becomes narrower or wider is left with no part of an old line", () => {
  const written: { text: string; columns: number }[] = [];
  let columns = 100;
  const { onProgress, onRepetition } = showProgress(
    { write: (text) => void written.push({ text, columns }), columns: () => columns },
    DURATIONS,
  );
  const load = { elapsedMs: 2_000, requestsPerSec: 13_000, timeWait: 23_000 };
  onRepetition("direct", 1, { failed: "kept" });
  for (columns of [100, 40, 30, 100, 25]) onProgress({ ...BEFORE, load });
  onRepetition("long", 1, { failed: "kept too" });
  assertEquals(terminalOf(written), ["direct 1: failed: kept", "long 1: failed: kept too", ""]);
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

/** What a pipe gets of two rounds of two runs, of which the second fails in the first round. */
function twoRounds(toSumUp: readonly string[]): string {
  let shown = "";
  const output = { write: (text: string) => void (shown += text), columns: () => undefined };
  const { onRepetition } = showProgress(output, DURATIONS, toSumUp);
  onRepetition("pool-100", 1, repetition(1_000, { opened: 2_240, timeWait: 1_800 }));
  onRepetition("direct", 1, { failed: "no\nroute" });
  onRepetition("direct", 2, repetition(1_200));
  onRepetition("pool-100", 2, repetition(1_100, { opened: 2_000, timeWait: 1_700 }));
  return shown;
}

Deno.test("once all runs were measured once, each has a line that says that it will be refined", () => {
  assertEquals(
    twoRounds(["direct", "pool-100"]),
    "pool-100 1: 1,000 requests/s, 1,800 TIME_WAIT\n" +
      "direct 1: failed: no route\n" +
      "First round, refined below:\n" +
      "  direct: failed: no route\n" +
      "  pool-100: 1,000 requests/s, 0.28 connections per request, 1,800 TIME_WAIT\n" +
      "direct 2: 1,200 requests/s, 0 TIME_WAIT\n" +
      "pool-100 2: 1,100 requests/s, 1,700 TIME_WAIT\n",
  );
  assert(!twoRounds([]).includes("First round"));
});

Deno.test("in a terminal the lines of the first round stay above the line that changes", () => {
  const written: { text: string; columns: number }[] = [];
  const { onProgress, onRepetition } = showProgress(
    { write: (text) => void written.push({ text, columns: 30 }), columns: () => 30 },
    DURATIONS,
    ["direct"],
  );
  onProgress(BEFORE);
  onRepetition("direct", 1, { failed: "kept" });
  onProgress({ ...BEFORE, repetition: 2 });
  assertEquals(terminalOf(written).slice(0, -1), [
    "direct 1: failed: kept",
    "First round, refined below:",
    "  direct: failed: kept",
  ]);
});

Deno.test("only a bench whose runs are measured again sums its first round up", () => {
  const scenario = resolveScenario({ question: "Which?", runs: [{ name: "a" }, { name: "b" }] }, "mine");
  const plan = { scenario, repeat: 1, until: null };
  const find = { name: "connections", low: 1, high: 100, promised: [] } as const;
  assertEquals(runsToSumUp({ ...plan, repeat: 2 }), ["a", "b"]);
  assertEquals(runsToSumUp({ ...plan, until: { width: 0.05, maxTimeMs: 60_000 } }), ["a", "b"]);
  assertEquals(runsToSumUp(plan), []);
  assertEquals(runsToSumUp({ ...plan, find, until: { width: 0.05, maxTimeMs: 60_000 } }), []);
});

Deno.test("on given hosts the line says what a repetition waits for", () => {
  const at = { rounds: 2, run: "a", repetition: 1, ended: [], waitsFor: 2_795 };
  const line = renderProgress(at, { a: { loadMs: 1_000, overheadMs: 700 } }, 120);
  assertStringIncludes(line, "a 1  waits for 2,795 TIME_WAITs to go");
});

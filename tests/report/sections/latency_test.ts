import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { renderLatency } from "../../../tools/report/sections/latency.ts";
import { analyse } from "../../../tools/verdict/findings.ts";
import { mergedLatency } from "../../../tools/verdict/latency.ts";
import { renderReport } from "../../../tools/report/report.ts";
import { plotsOf } from "../../../tools/report/plots/plots.ts";
import { type Results, type Run } from "../../../tools/results/results.ts";
import { repetition, results, run } from "../../support/made_up_results.ts";

const sectionOf = (document: Results) => renderLatency(analyse(document), document);
const NO_ERRORS = repetition(1, {}).errors;

Deno.test("latencies of all repetitions are one distribution, and a timeout counts as the timeout", () => {
  const one = repetition(1_000, { opened: 9, latencyHistogram: { us: [100, 200], count: [90, 9] } });
  const other = { ...one, errors: { ...NO_ERRORS, timeout: 1 } };
  const latency = mergedLatency(run("pool-100", [one, other]))!;
  assertEquals(latency.answers, 199);
  assertEquals([latency.p50, latency.p99, latency.max], [100, 200, 2_000_000]);
});

Deno.test("a run of which one repetition has no histogram has no merged latency", () => {
  const without = repetition(1_000, { opened: 9, latencyHistogram: null });
  assertEquals(mergedLatency(run("pool-100", [repetition(1_000), without])), undefined);
  assertEquals(sectionOf(results([run("pool-100", [without])])), []);
});

Deno.test("the report says of latencies whether they are those of a closed or an open loop", () => {
  const { hosts } = repetition(1).samples;
  const samples = { timeMs: [0, 1_000], hosts, answered: { timeMs: [0, 500, 1_000], requests: [0, 9, 20] } };
  const closed = run("pool-100", [repetition(1_000, { samples })]);
  const load = { ...closed.options.load, ratePerSec: 5_000 };
  const open = { ...closed, options: { ...closed.options, load } };
  const of = (one: Run) => sectionOf(results([one])).join("\n");
  assertStringIncludes(of(closed), "From a closed loop: each connection waits");
  assertStringIncludes(of(open), "From an open loop, 5,000/s: latency counts from when a request was due");
  const report = (one: Run) => renderReport(results([{ ...one, baseline: true }]));
  assertStringIncludes(
    report(closed),
    "1,000 connections for 2 s, after a 1 s warm-up (not counted; its TIME_WAITs remain). Each connection waits for its answer",
  );
  assertStringIncludes(
    report(open),
    "5,000 requests/s for 2 s, after a 1 s warm-up (not counted; its TIME_WAITs remain). Requests are evenly spaced",
  );
  assertFalse(report(open).includes("closed loop"));
  const titles = (one: Run) => plotsOf(results([one])).map(({ title }) => title).join();
  assertStringIncludes(titles(closed), "Little's law");
  assertFalse(titles(open).includes("Little's law"), "connections that are idle by times break it");
  assertStringIncludes(titles(open), "(open loop, 5,000/s)");
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { plotOption } from "../../../tools/report/plots/echarts_option.ts";
import { plotsOf } from "../../../tools/report/plots/plots.ts";
import { renderSvg } from "../../../tools/report/plots/svg.ts";
import { renderReport } from "../../../tools/report/report.ts";
import { repetition } from "../../support/made_up_results.ts";
import { at, opening, sweepResults } from "../../support/made_up_sweep.ts";

const SWEEP = sweepResults([
  ...[50, 100, 400].map((value) => at("direct", "connections", value, [repetition(1000)], { direct: true })),
  at("small", "connections", 50, [opening(0), opening(0)]),
  at("small", "connections", 100, [opening(0), opening(0)]),
  at("small", "connections", 400, [opening(0.5), opening(0.6)]),
]);

Deno.test("a sweep's report begins with the knee, and has a row for each run at each value", () => {
  const report = renderReport(SWEEP);
  assertStringIncludes(
    report,
    "\n`small` keeps its connections up to 100 connections, and at 400 connections it opens a new connection for " +
      "55% of its requests.\n",
  );
  assertEquals(
    [...report.matchAll(/^\| `(direct|small)` +\| +(\d+) \|/gm)].map(([, run, value]) => `${run} ${value}`),
    [
      ...["direct 50", "direct 100", "direct 400", "small 50", "small 100", "small 400"],
    ],
  );
  assertStringIncludes(report, "loss against `direct` at the same value");
  assertMatch(report, /\*\*The pool of `small` holds 100 connections\*\*: the knee lies between 100 and 400/);
  assertStringIncludes(report, "*effective* size of a pool");
});

Deno.test("the causes that a sweep tells are those on both sides of the knee", () => {
  const [, why] = renderReport(SWEEP).split("\n## Why\n");
  const [lines] = why!.split("\n## ");
  assert(lines!.includes("small connections=100") && lines!.includes("small connections=400"));
  assert(!lines!.includes("small connections=50`"));
});

Deno.test("the plots of a sweep have the value on their axis, and a mark at the knee's limit", async () => {
  const plots = plotsOf(SWEEP);
  assertEquals(plots.map(({ name, xName, xScale }) => [name, xName, xScale]), [
    ["sweep_requests", "connections", "log"],
    ["sweep_p99", "connections", "log"],
    ["sweep_new_connections", "connections", "log"],
    ["sweep_time_wait", "connections", "log"],
  ]);
  const [requests, , opened] = plots;
  assertEquals(requests!.lines.find(({ name }) => name === "direct")!.points.map(([x]) => x), [50, 100, 400]);
  assertEquals(opened!.lines.filter(({ weight }) => weight !== "other").map(({ name }) => name), [
    ...["small", "knee: 0.01"],
  ]);
  assertEquals((plotOption(opened!, "#000").xAxis as { type: string }).type, "log");
  assertStringIncludes(await renderSvg(opened!), "Connections opened to the backend for each request");
});

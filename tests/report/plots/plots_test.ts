import { assert, assertAlmostEquals, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { renderPage } from "../../../tools/report/page.ts";
import { type Plot, plotsOf } from "../../../tools/report/plots/plots.ts";
import { renderSvg } from "../../../tools/report/plots/svg.ts";
import { repetition, results, run } from "../../support/made_up_results.ts";

const SAMPLES = repetition(1_000).samples;
const DOCUMENT = results([
  run("direct", [repetition(13_000), repetition(12_900), repetition(13_100)], null),
  run("pool-100", [
    repetition(5_000, { opened: 16_000, timeWait: 15_000 }),
    repetition(5_200, { opened: 16_640, timeWait: 15_500 }),
    { failed: "wrk was killed" },
  ]),
]);

function plot(name: string, document = DOCUMENT): Plot {
  const found = plotsOf(document).find((one) => one.name === name);
  assert(found !== undefined, `no plot ${name}`);
  return found;
}

Deno.test("each measured repetition is a line in its run's colour, the middle one drawn last and strongest", () => {
  const { lines } = plot("time_wait");
  assertEquals(lines.map(({ name, weight }) => `${name} ${weight}`), [
    "direct other",
    "direct other",
    "pool-100 other",
    "direct middle",
    "pool-100 middle",
  ]);
  assertEquals(lines.at(-1)!.points, [[0, 0], [4, 7_500], [8, 15_000]]);
  assertEquals(new Set(lines.map(({ colour }) => colour)).size, 2);
});

Deno.test("rates are what was added over the time it took, and mean latency is connections over rate", () => {
  const answered = { timeMs: [0, 100, 500, 1000], requests: [0, 10, 1_000, 3_000] };
  const document = results([run("direct", [repetition(1, { samples: { ...SAMPLES, answered } })], null)]);
  assertEquals(plot("requests", document).lines[0]!.points, [[0.5, 2_000], [1, 4_000]]);
  assertEquals(plot("latency", document).lines[0]!.points, [[0.5, 500], [1, 250]]);
});

Deno.test("the latency distribution ends at the longest latency, which is the timeout only where something timed out", () => {
  const histogram = { us: [1_000, 2_000], count: [9, 1] };
  const of = (timeout: number) => {
    const errors = { ...repetition(1).errors, timeout };
    const one = repetition(1, { latencyHistogram: histogram, errors });
    return plot("latency_distribution", results([run("direct", [one], null)])).lines[0]!.points;
  };
  assertEquals(of(0).at(-1), [10, 2]);
  const [first, last] = [of(0)[0]!, of(1).at(-1)!];
  assertAlmostEquals(first[0], 10, 1e-9);
  assertEquals(last, [11, 2_000]);
});

Deno.test("ports in use stand beside the range, all of it and half", () => {
  const { lines } = plot("ports");
  const marks = lines.filter(({ weight }) => weight === "mark").map((
    { name, points },
  ) => [name, points[0]![1]]);
  assertEquals(marks, [["all 28,232 ports", 28_232], ["half: connects get slow", 14_116]]);
  const host = { ...DOCUMENT, environment: { ...DOCUMENT.environment, lab: { kind: "host" } as const } };
  assertFalse(plotsOf(host).some(({ name }) => name === "ports"), "one table for all hosts cannot tell");
});

Deno.test("a plot without data is left out, and nothing measured gives none", () => {
  const without = results([run("direct", [repetition(1_000, { latencyHistogram: null })], null)]);
  assertFalse(plotsOf(without).some(({ name }) => name === "latency_distribution"));
  assertEquals(plotsOf(results([run("direct", [{ failed: "no" }], null)])), []);
});

Deno.test("an SVG draws every line and leaves the colour of its text to the reader's scheme", async () => {
  const svg = await renderSvg(plot("ports"));
  assertStringIncludes(svg, 'aria-label="Ephemeral ports in use towards the backend"');
  assertStringIncludes(svg, "prefers-color-scheme:dark");
  assertStringIncludes(svg, "all 28,232 ports");
  assertFalse(svg.includes("#010203"));
});

Deno.test("the page fetches nothing, and what a run is called cannot become part of it", async () => {
  const name =
    `<script>alert(1)</script>"&\` [x](javascript:alert(2)) ![y](https://example.com/z.png) <https://example.com/>`;
  const { runs } = DOCUMENT;
  const page = await renderPage({ ...DOCUMENT, question: name, runs: [runs[0]!, { ...runs[1]!, name }] });
  assertFalse(page.includes("<script>alert"));
  assertStringIncludes(page, "[x](javascript:alert(2))");
  assertStringIncludes(page, "default-src 'none'");
  const parts = page.split(/<script>[^]*?<\/script>/);
  assertEquals(parts.length, 3, "the library and the drawing of the plots");
  assertFalse(/\b(src|href)=/.test(parts.join("")));
  assertEquals(page.match(/data-plot="/g)?.length, plotsOf(DOCUMENT).length);
  assertStringIncludes(page, '<div class="wide"><table>');
});

/**
 * The report as one self-contained page with interactive plots. The page fetches nothing: its policy forbids
 * it.
 *
 * @module
 */

import { Marked } from "marked";
import type { PredictedRuns } from "../predict/mod.ts";
import { showControls } from "../errors.ts";
import { type Results } from "../results/results.ts";
import type { GateCheck } from "../verdict/gate_check.ts";
import { showControlsIn } from "./markdown.ts";
import { renderReport } from "./report.ts";
import { plotOption } from "./plots/echarts_option.ts";
import { type Plot, plotsOf } from "./plots/plots.ts";

const PLOT = "plot:";

/** Renders the page. */
export async function renderPage(
  results: Results,
  checks: readonly GateCheck[] = [],
  predicted?: PredictedRuns,
): Promise<string> {
  const { default: echarts } = await import("echarts/dist/echarts.common.min.js", { with: { type: "text" } });
  const plots = plotsOf(showControlsIn(results));
  const files = plots.map(({ name, title }) => ({ title, path: `${PLOT}${name}` }));
  const report = renderReport(results, files, checks, predicted);
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">`,
    `<title>${escapeHtml(showControls(results.question))}</title>`,
    `<style>${CSS}</style>`,
    `<main>${renderHtml(report)}</main>`,
    `<script>${inScript(echarts)}</script>`,
    `<script>${inScript(script(plots))}</script>`,
    "</html>",
    "",
  ].join("\n");
}

/** An interval in a cell, which no line break may tear apart. */
const INTERVAL = /\([^()<>\s]*…[^()<>\s]*\)/g;

/**
 * Markdown to HTML. Tags in the Markdown are shown as text: a run's name or a failure's reason may hold
 * anything.
 */
function renderHtml(markdown: string): string {
  const marked = new Marked({
    renderer: {
      html: ({ text }) => escapeHtml(text),
      // The report itself has no links.
      link: ({ raw }) => escapeHtml(raw),
      image: ({ href, text }) =>
        href.startsWith(PLOT)
          ? `<div class="plot" role="img" aria-label="${escapeHtml(text)}" data-plot="${
            escapeHtml(href.slice(PLOT.length))
          }"></div>`
          : escapeHtml(text),
    },
  });
  const html = marked.parse(markdown, { async: false });
  return html.replaceAll("<table>", '<div class="wide"><table>').replaceAll("</table>", "</table></div>")
    .replaceAll(/<td[^]*?<\/td>/g, (cell) => cell.replaceAll(INTERVAL, '<span class="whole">$&</span>'));
}

/** A script that draws each plot in its place, and again when the scheme or the width changes. */
function script(plots: readonly Plot[]): string {
  return `
const plotOption = ${plotOption};
const plots = ${JSON.stringify(plots).replaceAll("<", "\\u003c")};
const charts = [...document.querySelectorAll(".plot")].flatMap((place) => {
  const plot = plots.find(({ name }) => name === place.dataset.plot);
  return plot === undefined ? [] : [{ chart: echarts.init(place, null, { renderer: "canvas" }), plot }];
});
const draw = () => {
  const ink = getComputedStyle(document.body).color;
  for (const { chart, plot } of charts) chart.setOption(plotOption(plot, ink), true);
};
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
addEventListener("resize", () => { for (const { chart } of charts) chart.resize(); });
`;
}

/** Makes text fit to stand in a script element: nothing in it ends the element. */
function inScript(text: string): string {
  return text.replaceAll(/<(?=\/script|!--)/gi, "\\x3c");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}

const CSS = `
:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #24292f; background: #ffffff; }
main { max-width: 68rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: 0; }
.wide, pre { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.6rem; border-bottom: 1px solid #8884; vertical-align: top; }
th { vertical-align: bottom; }
td:first-child, .whole { white-space: nowrap; }
code { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
pre { padding: 0.75rem; background: #8881; border-radius: 6px; }
.plot { width: 100%; height: 21rem; margin: 0.5rem 0 1.5rem; }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } }
@media (max-width: 40rem) { .plot { height: 17rem; } table { font-size: 0.8rem; } }
`;

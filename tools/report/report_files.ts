/**
 * Writes the report as files: Markdown with its plots beside it, or one page.
 *
 * @module
 */

import { type Results } from "../results/results.ts";
import { writeWhole } from "../results/write.ts";
import { showControlsIn } from "./markdown.ts";
import { renderReport } from "./report.ts";
import { renderPage } from "./page.ts";
import { plotsOf } from "./plots/plots.ts";
import { renderSvg } from "./plots/svg.ts";

/**
 * Writes report.md and its plots, each as an SVG file, into an existing directory.
 *
 * @throws {Error} which names the file that could not be written.
 */
export async function writeReport(directory: string, results: Results): Promise<void> {
  const plots = plotsOf(showControlsIn(results));
  for (const plot of plots) await writeWhole(`${directory}/${plot.name}.svg`, await renderSvg(plot));
  const files = plots.map(({ name, title }) => ({ title, path: `${name}.svg` }));
  await writeWhole(`${directory}/report.md`, renderReport(results, files));
}

/**
 * Writes the report as one self-contained page.
 *
 * @throws {Error} which names the file and the reason.
 */
export async function writePage(path: string, results: Results): Promise<void> {
  await writeWhole(path, await renderPage(results));
}

/**
 * Writes the report as files: Markdown with its plots beside it, or one page.
 *
 * @module
 */

import type { PredictedRuns } from "../predict/mod.ts";
import { type Results } from "../results/results.ts";
import { writeWhole } from "../results/write.ts";
import type { GateCheck } from "../verdict/gate_check.ts";
import { showControlsIn } from "./markdown.ts";
import { type PlotFile, renderReport } from "./report.ts";
import { renderPage } from "./page.ts";
import { plotsOf } from "./plots/plots.ts";
import { renderSvg } from "./plots/svg.ts";

/**
 * Writes report.md and its plots, each as an SVG file, into an existing directory. What cannot be written is
 * left out, and the rest is written all the same: report.md comes first, with its own chart, and once more
 * when it is known which plots there are.
 *
 * @param onError is told each error, which names the file. Default: the first one is thrown in the end.
 * @param checks gates that were checked: the last section.
 * @param predicted predictions of the runs: a section where they are given.
 */
export async function writeReport(
  directory: string,
  results: Results,
  onError?: (error: unknown) => void,
  checks: readonly GateCheck[] = [],
  predicted?: PredictedRuns,
): Promise<void> {
  const errors: unknown[] = [];
  const tried = (writing: Promise<void>) => writing.then(() => true, (error) => (errors.push(error), false));
  const path = `${directory}/report.md`;
  const written = await tried(writeWhole(path, renderReport(results, [], checks, predicted)));
  const files: PlotFile[] = [];
  for (const plot of plotsOf(showControlsIn(results))) {
    const file = { title: plot.title, path: `${plot.name}.svg` };
    if (await tried(writeWhole(`${directory}/${file.path}`, await renderSvg(plot)))) files.push(file);
  }
  if (files.length > 0 || !written) {
    await tried(writeWhole(path, renderReport(results, files, checks, predicted)));
  }
  if (onError !== undefined) errors.forEach(onError);
  else if (errors.length > 0) throw errors[0];
}

/**
 * Takes away a report.md that an earlier bench has left: it is not that of the results beside it any more.
 */
export async function removeReport(directory: string): Promise<void> {
  await Deno.remove(`${directory}/report.md`).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/**
 * Writes the report as one self-contained page.
 *
 * @throws {Error} which names the file and the reason.
 */
export async function writePage(
  path: string,
  results: Results,
  checks?: readonly GateCheck[],
  predicted?: PredictedRuns,
): Promise<void> {
  await writeWhole(path, await renderPage(results, checks, predicted));
}

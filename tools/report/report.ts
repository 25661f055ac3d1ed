/**
 * The report: a pure function of the results document, to Markdown.
 *
 * @module
 */

import type { Results } from "../results/results.ts";
import { analyse, type Findings } from "../verdict/findings.ts";
import { isSwept } from "../verdict/sweep.ts";
import { onePerSeries, withoutExpected } from "./by_series.ts";
import type { PredictedRuns } from "../predict/mod.ts";
import type { GateCheck } from "../verdict/gate_check.ts";
import { showControlsIn } from "./markdown.ts";
import { renderPredictedSection } from "./predicted_runs.ts";
import { renderAdvice } from "./sections/advice.ts";
import { renderEnvironment } from "./sections/environment.ts";
import { renderCaption, renderFigures } from "./sections/figures.ts";
import { renderFoundHeadline, renderMethod, renderTried } from "./sections/found.ts";
import { renderGates } from "./sections/gates.ts";
import { renderHeadline } from "./sections/headline.ts";
import { renderKnobs } from "./sections/knobs.ts";
import { renderLatency } from "./sections/latency.ts";
import { renderPorts } from "./sections/ports.ts";
import { renderReproduce } from "./sections/reproduce.ts";
import {
  renderKnees,
  renderSweepCaption,
  renderSweepHeadline,
  renderSweepTable,
  renderWhyAtKnees,
} from "./sections/sweep.ts";
import { renderTimeWait } from "./sections/time_wait.ts";
import { renderWarnings } from "./sections/warnings.ts";
import { renderCauses } from "./sections/causes.ts";

/** A plot that was drawn elsewhere. */
export interface PlotFile {
  /** What it shows. */
  readonly title: string;
  /** Where it is, seen from the report. */
  readonly path: string;
}

/** The words for one part of the findings, as lines of Markdown; empty where there is nothing to say. */
type Section = (findings: Findings, results: Results) => string[];

/**
 * Renders the report. Plots that were drawn for it take the place of its own chart of TIME_WAIT; gates that
 * were checked are its last section. Predictions of the runs, where there are some, have a section as well.
 */
export function renderReport(
  results: Results,
  plots: readonly PlotFile[] = [],
  checks: readonly GateCheck[] = [],
  predicted?: PredictedRuns,
): string {
  const drawn: readonly Section[] = plots.map((plot) => () => renderPlot(plot));
  const sections: readonly Section[] = [
    ...(results.method.find !== undefined
      ? [renderFoundHeadline, renderTried, renderMethod, ...drawn]
      : isSwept(results)
      ? [renderSweepHeadline, renderSweepTable, renderSweepCaption, renderKnees, renderWhyAtKnees, ...drawn]
      : [
        ...[renderHeadline, renderFigures, renderCaption, renderAdvice, renderPorts, renderCauses],
        ...(drawn.length === 0 ? [renderTimeWait] : drawn),
        renderLatency,
      ]),
    results.method.find === undefined
      ? renderWarnings
      : (findings) => renderWarnings(withoutExpected(findings)),
    renderKnobs,
    (...given) => renderEnvironment(...onePerSeries(...given)),
    () => predicted === undefined ? [] : renderPredictedSection(predicted),
    renderReproduce,
    () => renderGates(checks),
  ];
  const shown = showControlsIn(results);
  const findings = analyse(shown);
  return joinSections(sections.map((section) => section(findings, shown)));
}

/** A document of sections, without those that have nothing to say. */
export function joinSections(sections: readonly (readonly string[])[]): string {
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function renderPlot({ title, path }: PlotFile): string[] {
  return [`### ${title}`, "", `![${title}](${path})`];
}

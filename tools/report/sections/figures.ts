/**
 * The table of figures, and the caption that says how to read it.
 *
 * @module
 */

import type { Results } from "../../results/results.ts";
import type { Comparison } from "../../verdict/comparison.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import { describeByRun, sayByRun } from "../by_run.ts";
import { COLUMNS } from "../columns.ts";
import { formatShare } from "../format.ts";
import { describeAmount, describeLoop, nameLoad } from "../load.ts";
import { renderRows } from "../table.ts";

/** The table. Where the runs differ in their load, its second column is the load. */
export function renderFigures({ baseline, runs }: Findings, results: Results): string[] {
  const loads = results.runs.map(({ options }) => nameLoad(options.load));
  const differ = sayByRun(results.runs, ({ load }) => JSON.stringify(load)).length > 1;
  const rows = runs.map((run, i) => {
    const name = [`\`${run.name}\`${run.baseline ? " (baseline)" : ""}`, ...(differ ? [loads[i]!] : [])];
    if (run.measured > 0) return [...name, ...COLUMNS.map((column) => column.cell(run))];
    const why = run.failed === 0 ? "not measured" : "**failed**";
    return [...name, why, ...COLUMNS.slice(1).map(() => "–")];
  });
  const against = baseline === undefined ? "the baseline" : `\`${baseline}\``;
  const headers = COLUMNS.map(({ header }) => header.replace("{baseline}", () => against));
  const texts = differ ? ["run", "load"] : ["run"];
  return renderRows([...texts, ...headers], rows, texts.length);
}

/** The caption: how sure the figures are, what they count, what the load was. */
export function renderCaption({ runs }: Findings, results: Results): string[] {
  const amounts = describeByRun(results.runs, ({ load }) => describeAmount(load));
  const loops = describeByRun(results.runs, ({ load }) => describeLoop(load));
  const reading = [
    ...explainFigures(runs, results),
    "Requests/s counts answers in time with 2xx or 3xx: higher is better there, lower in every other column.",
  ];
  return amounts.length === 1 ? [[...reading, ...amounts, ...loops].join(" ")] : [
    [...reading, ...loops, "The runs differ in their load:"].join(" "),
    "",
    ...amounts.map((amount) => `- ${amount}`),
  ];
}

/** How sure the intervals are, and what was tested how. */
function explainFigures(runs: readonly RunFindings[], results: Results): string[] {
  const most = Math.max(...runs.map(({ measured }) => measured));
  if (most === 0) return [];
  if (most === 1) return ["One repetition each: no uncertainty is known."];
  const { confidence } = estimateMedian(Array.from({ length: most }, (_, i) => i))!;
  const interval = confidence < 0.95
    ? `the lowest and the highest (a ${formatShare(confidence)} confidence interval; 95% needs 6 repetitions)`
    : "95% confidence intervals";
  const fewer = runs.some(({ measured }) => measured !== most);
  const unequal = fewer ? ` at most${whyFewer(runs, results)}` : "";
  const tested = runs.flatMap(({ comparison }) => comparison ?? []);
  const medians = `Medians of ${most} repetitions${unequal}, with ${interval}.`;
  if (tested.length === 0) return [medians];
  return [
    medians,
    `The loss is the median of the losses within each round${
      nameBootstrap(tested)
    }; in a round all runs are measured ` +
    "one after the other, in a random order.",
    explainTests(tested),
  ];
}

function explainTests(tested: readonly Comparison[]): string {
  const lacking = tested.filter(({ verdict }) => verdict === "too few repetitions");
  if (lacking.length > 0) {
    const needed = Math.max(...lacking.map(({ repetitionsNeeded }) => repetitionsNeeded));
    return `**Too few repetitions to show a difference**, however large: \`--repeat ${needed}\` would be enough.`;
  }
  const tests = [...new Set(tested.map(({ test }) => TEST_NAMES[test]))].join(", ");
  const corrected = tested.length === 1 ? "" : `, corrected for ${tested.length} comparisons (Holm)`;
  return `A loss or gain without "no difference shown" is shown at 5%: ${tests}${corrected}.`;
}

const TEST_NAMES: Readonly<Record<Comparison["test"], string>> = {
  "mann-whitney": "exact Mann-Whitney test",
  "signed-rank": "exact Wilcoxon signed-rank test of the pairs",
};

/**
 * What the intervals of ratios are called: with few pairs the bootstrap gives no more than the pairs have.
 */
function nameBootstrap(tested: readonly Comparison[]): string {
  const confidences = tested.flatMap(({ ratio }) => ratio === undefined ? [] : [ratio.confidence]);
  const least = Math.min(0.95, ...confidences);
  if (least === 0) return "";
  return least < 0.95
    ? `, with a ${formatShare(least)} bootstrap interval`
    : ", with a 95% bootstrap interval";
}

function whyFewer(runs: readonly RunFindings[], { interrupted }: Results): string {
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  const reasons = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(interrupted ? ["the bench was stopped"] : []),
  ];
  return reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
}

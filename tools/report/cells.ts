/**
 * What a comparison has shown, as the report writes it.
 *
 * @module
 */

import type { Comparison } from "../verdict/comparison.ts";
import { estimateMedian, type Interval } from "../verdict/intervals.ts";
import { isMeasured, type Measured, measuredOf, type Results, type Run } from "../results/results.ts";
import { formatChange, formatShare } from "./format.ts";

/** An estimate and, where there is one to tell, its interval: `3,603 (1,832…4,170)`. */
export function formatInterval(interval: Interval | undefined, format: (value: number) => string): string {
  if (interval === undefined) return "–";
  const [estimate, low, high] = [interval.estimate, interval.low, interval.high].map(format);
  return interval.confidence === 0 || low === high ? estimate! : `${estimate} (${low}…${high})`;
}

/** The median of a figure of a run with its interval. */
export function medianCell(
  run: Run,
  of: (one: Measured) => number,
  format: (value: number) => string,
): string {
  return formatInterval(estimateMedian(measuredOf(run).map(of)), format);
}

/** The share of the baseline's requests per second that a run lost, or that it had more, with its interval. */
export function lossCell(comparison: Comparison | undefined): string {
  if (comparison?.ratio === undefined) return "–";
  const { estimate, low, high, confidence } = comparison.ratio;
  const cell = estimate > 1
    ? `gain of ${
      formatInterval({ estimate: estimate - 1, low: low - 1, high: high - 1, confidence }, formatShare)
    }`
    : formatInterval({ estimate: 1 - estimate, low: 1 - high, high: 1 - low, confidence }, formatShare);
  return comparison.verdict === "no difference shown" ? `no difference shown, ${cell}` : cell;
}

/** How far a run's requests per second have changed against those of other results, with its interval. */
export function changeCell(comparison: Comparison | undefined): string {
  if (comparison === undefined) return "–";
  const cell = formatInterval(comparison.ratio, (ratio) => formatChange(ratio - 1));
  return comparison.verdict === "no difference shown" ? `no difference shown, ${cell}` : cell;
}

/** The sentences that say how to read the table: how sure the intervals are, and what was tested how. */
export function explainFigures(results: Results, comparisons: ReadonlyMap<string, Comparison>): string[] {
  const counts = results.runs.map((run) => measuredOf(run).length);
  const most = Math.max(...counts);
  if (most <= 1) return ["One repetition each: no uncertainty is known."];
  const { confidence } = estimateMedian(Array.from({ length: most }, (_, i) => i))!;
  const interval = confidence < 0.95
    ? `the lowest and the highest, a ${formatShare(confidence)} confidence interval (95% needs 6 repetitions)`
    : "95% confidence intervals";
  const unequal = counts.some((count) => count !== most) ? ` at most; ${whyFewer(results)}` : "";
  const tested = [...comparisons.values()];
  const sentences = [
    `Medians of ${most} repetitions${unequal}, with ${interval}. The loss is the median of those within each round, in ` +
    `which all runs were measured one after the other in a random order, with ${nameBootstrap(tested)}.`,
  ];
  const lacking = tested.filter(({ verdict }) => verdict === "too few repetitions");
  if (lacking.length > 0) {
    const needed = Math.max(...lacking.map(({ repetitionsNeeded }) => repetitionsNeeded));
    sentences.push(
      `**Too few repetitions to show a difference**, however large: \`--repeat ${needed}\` would do.`,
    );
  } else if (tested.length > 0) {
    const tests = [...new Set(tested.map(({ test }) => TEST_NAMES[test]))].join(", ");
    const corrected = tested.length === 1 ? "" : `, corrected for ${tested.length} comparisons (Holm)`;
    sentences.push(`Where a loss stands without more, a difference is shown at 5%: ${tests}${corrected}.`);
  }
  return sentences;
}

const TEST_NAMES: Readonly<Record<Comparison["test"], string>> = {
  "mann-whitney": "exact Mann-Whitney test",
  "signed-rank": "exact Wilcoxon signed-rank test of the pairs",
};

/** What the intervals of ratios are called: with few pairs the bootstrap gives no more than these have. */
function nameBootstrap(tested: readonly Comparison[]): string {
  const confidences = tested.flatMap(({ ratio }) => ratio === undefined ? [] : [ratio.confidence]);
  const least = Math.min(0.95, ...confidences);
  return least < 0.95 ? `a ${formatShare(least)} bootstrap interval` : "a 95% bootstrap interval";
}

function whyFewer({ runs, interrupted }: Results): string {
  const failed = runs.flatMap((run) => run.repetitions).filter((one) => !isMeasured(one)).length;
  return [failed > 0 ? `${failed} failed` : "", interrupted ? "the bench was stopped" : ""].filter(Boolean)
    .join(", ");
}

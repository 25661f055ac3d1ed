/**
 * Estimates and comparisons as tables write them.
 *
 * @module
 */

import type { Comparison } from "../verdict/comparison.ts";
import { estimateMedian, type Interval } from "../verdict/intervals.ts";
import { formatChange, formatShare } from "./format.ts";

/** Formats a figure. */
export type Format = (value: number) => string;

/** An estimate and, where there is more than one value, its interval: `3,603 (1,832…4,170)`. */
export function intervalCell(interval: Interval | undefined, format: Format): string {
  if (interval === undefined) return "–";
  const [estimate, low, high] = [interval.estimate, interval.low, interval.high].map(format);
  return interval.confidence === 0 || low === high ? estimate! : `${estimate} (${low}…${high})`;
}

/** The median of the values that there are, with its interval. */
export function medianCell(values: readonly (number | undefined)[], format: Format): string {
  return intervalCell(estimateMedian(values.filter((value) => value !== undefined)), format);
}

/** The share of the baseline's requests per second that a run lost, or that it gained, with its interval. */
export function lossCell(comparison: Comparison | undefined): string {
  if (comparison?.ratio === undefined) return "–";
  const { estimate, low, high, confidence } = comparison.ratio;
  const cell = estimate > 1
    ? `gain of ${
      intervalCell({ estimate: estimate - 1, low: low - 1, high: high - 1, confidence }, formatShare)
    }`
    : intervalCell({ estimate: 1 - estimate, low: 1 - high, high: 1 - low, confidence }, formatShare);
  return comparison.verdict === "no difference shown" ? `no difference shown, ${cell}` : cell;
}

/** How a run's requests per second differ from those of other results, with its interval. */
export function changeCell(comparison: Comparison | undefined): string {
  if (comparison === undefined) return "–";
  const cell = intervalCell(comparison.ratio, (ratio) => formatChange(ratio - 1));
  return comparison.verdict === "no difference shown" ? `no difference shown, ${cell}` : cell;
}

/** What a cell adds where the two runs that it compares differ in more than the gateway: `, another load`. */
export function otherOptions(differs: readonly string[]): string {
  return differs.length === 0 ? "" : `, another ${differs.join(" and ")}`;
}

/**
 * The latency of each run over all of its repetitions together, from their merged histograms.
 *
 * @module
 */

import type { Results } from "../../results/results.ts";
import type { Findings } from "../../verdict/findings.ts";
import { describeByRun } from "../by_run.ts";
import { formatCount, formatMs } from "../format.ts";
import { qualifyLatency } from "../load.ts";
import { renderRows } from "../table.ts";

const HEADER = ["run", "answers", "p50 ms", "p75 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"];

/** The section; empty where no run has a histogram. */
export function renderLatency({ runs }: Findings, results: Results): string[] {
  const columns = ["p50", "p75", "p90", "p99", "p999", "max"] as const;
  const rows = runs.flatMap(({ name, latency }) =>
    latency === undefined
      ? []
      : [[`\`${name}\``, formatCount(latency.answers), ...columns.map((column) => formatMs(latency[column]))]]
  );
  if (rows.length === 0) return [];
  const loops = describeByRun(results.runs, ({ load }) => qualifyLatency(load));
  return [
    "## Latency of all repetitions together",
    "",
    ...renderRows(HEADER, rows),
    "",
    ["The histograms of all repetitions merged; each figure is at most 0.4% too high.", ...loops].join(" "),
  ];
}

/**
 * The latency of each run over all of its repetitions together, from their merged histograms.
 *
 * @module
 */

import { type Latency, summarizeLatency } from "../../load/latency.ts";
import { mergeLatency } from "../../load/latency_histogram.ts";
import { measuredOf, type Results, type Run } from "../../results/results.ts";
import { formatCount, formatMs } from "../format.ts";
import { qualifyLatency } from "./load.ts";
import { renderRows } from "../table.ts";

/**
 * The latency of all answers of a run. An answer that came too late counts as one that took the timeout, which is
 * the least it can have taken. `undefined` where the generator did not tell all latencies.
 */
export function mergedLatency(run: Run): Latency & { readonly answers: number } | undefined {
  const measured = measuredOf(run);
  const histograms = measured.flatMap(({ latencyHistogram }) => latencyHistogram ?? []);
  if (measured.length === 0 || histograms.length < measured.length) return undefined;
  const merged = mergeLatency(histograms);
  const timeouts = measured.reduce((sum, { errors }) => sum + errors.timeout, 0);
  const answers = [...merged.values()].reduce((sum, count) => sum + count, timeouts);
  return { answers, ...summarizeLatency(merged, { timeouts, timeoutUs: run.options.load.timeoutMs * 1000 }) };
}

/** The section of the report; empty where no run has a histogram. */
export function renderLatency(results: Results): string[] {
  const columns = ["p50", "p75", "p90", "p99", "p999", "max"] as const;
  const rows = results.runs.flatMap((run) => {
    const latency = mergedLatency(run);
    if (latency === undefined) return [];
    return [[
      `\`${run.name}\``,
      formatCount(latency.answers),
      ...columns.map((name) => formatMs(latency[name])),
    ]];
  });
  if (rows.length === 0) return [];
  return [
    "## Latency of all repetitions together",
    "",
    ...renderRows(["run", "answers", "p50 ms", "p75 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"], rows),
    "",
    `Their histograms merged, each figure at most 0.4% too high. ${
      qualifyLatency(results.runs[0]!.options.load)
    }`,
  ];
}

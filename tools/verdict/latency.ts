/**
 * The latency of a run over all of its repetitions together, from their merged histograms.
 *
 * @module
 */

import { type Latency, summarizeLatency } from "../load/latency.ts";
import { mergeLatency } from "../load/latency_histogram.ts";
import { measuredOf, type Run } from "../results/results.ts";

/** A latency distribution in microseconds, and how many answers it holds. */
export interface MergedLatency extends Latency {
  /** Answers, those that came too late among them. */
  readonly answers: number;
}

/**
 * The latency of all answers of a run. An answer that came too late counts as one that took the timeout,
 * which is the least it can have taken. `undefined` where a repetition has no histogram.
 */
export function mergedLatency(run: Run): MergedLatency | undefined {
  const measured = measuredOf(run);
  const histograms = measured.flatMap(({ latencyHistogram }) => latencyHistogram ?? []);
  if (measured.length === 0 || histograms.length < measured.length) return undefined;
  const merged = mergeLatency(histograms);
  const timeouts = measured.reduce((sum, { errors }) => sum + errors.timeout, 0);
  const answers = [...merged.values()].reduce((sum, count) => sum + count, timeouts);
  return { answers, ...summarizeLatency(merged, { timeouts, timeoutUs: run.options.load.timeoutMs * 1000 }) };
}

/**
 * What load generators have counted, as the figures of one load: those of several clients are merged exactly.
 *
 * @module
 */

import { type Histogram, summarizeLatency } from "./latency.ts";
import { bucketLatency } from "./latency_histogram.ts";
import { type Arrivals, ERROR_KINDS, type LoadErrors, type LoadReport, type LoadResult } from "./load.ts";

/**
 * The figures of a load of one or more generators that all had the same timeout.
 *
 * The latencies are merged value by value, so each percentile is that of all answers as if one generator had
 * seen them; a mean of percentiles would be none. Requests per second are the sum of each generator's own
 * rate, so that a generator that has begun earlier than the others, or ended later, counts for the time that
 * they have in common and not for more. `durationSec` is the duration with which requests and rate agree.
 *
 * @throws {RangeError} where there is no report.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mergeReports } from "./load_reports.ts";
 *
 * const errors = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };
 * const one = { requests: 100, durationSec: 1, bytesRead: 0, errors, timeoutMs: 2000 };
 * const fast = { ...one, latencies: new Map([[10_000, 100]]) };
 * const slow = { ...one, latencies: new Map([[10_000, 90], [900_000, 10]]) };
 * const { requestsPerSec, latencyUs } = mergeReports([fast, slow]);
 * assertEquals([requestsPerSec, latencyUs.p90, latencyUs.p99], [200, 10_000, 900_000]);
 * ```
 */
export function mergeReports(reports: readonly LoadReport[]): LoadResult {
  const [first, ...others] = reports;
  if (first === undefined) throw new RangeError("a load has at least one report");
  const sum = (of: (report: LoadReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  const latencies = merged(reports.map((report) => report.latencies));
  const errors = Object.fromEntries(ERROR_KINDS.map((kind) => [kind, sum((report) => report.errors[kind])]));
  const requests = sum((report) => report.requests);
  const requestsPerSec = sum(rateOf);
  const timeouts = { timeouts: errors.timeout!, timeoutUs: first.timeoutMs * 1000 };
  const arrivals = arrivalsOf(reports);
  return {
    requests,
    durationSec: requestsPerSec === 0 || others.length === 0 ? first.durationSec : requests / requestsPerSec,
    requestsPerSec,
    bytesRead: sum((report) => report.bytesRead),
    latencyUs: summarizeLatency(latencies, timeouts),
    latencyHistogram: bucketLatency(latencies),
    ...(reports.some(({ inFlight }) => inFlight === undefined)
      ? {}
      : { inFlight: sum(({ inFlight = 0 }) => inFlight) }),
    errors: errors as Record<keyof LoadErrors, number>,
    ...(arrivals === undefined ? {} : { arrivals }),
  };
}

/** Requests per second of one generator; 0 where no time has passed. */
export function rateOf({ requests, durationSec }: LoadReport): number {
  return durationSec === 0 ? 0 : requests / durationSec;
}

/** Several histograms as one, value by value. */
function merged(histograms: readonly Histogram[]): Histogram {
  if (histograms.length === 1) return histograms[0]!;
  const all = new Map<number, number>();
  for (const histogram of histograms) {
    for (const [us, count] of histogram) all.set(us, (all.get(us) ?? 0) + count);
  }
  return new Map([...all].sort(([a], [b]) => a - b));
}

function arrivalsOf(reports: readonly LoadReport[]): Arrivals | undefined {
  const all = reports.flatMap(({ arrivals }) => arrivals ?? []);
  if (all.length === 0) return undefined;
  const latenesses = reports.flatMap(({ lateness }) => lateness ?? []);
  const sum = (of: (arrivals: typeof all[number]) => number) =>
    all.reduce((total, one) => total + of(one), 0);
  return {
    due: sum(({ due }) => due),
    unsent: sum(({ unsent }) => unsent),
    late: sum(({ late }) => late),
    ...(latenesses.length === 0 ? {} : { lateness: summarizeLatency(merged(latenesses)) }),
    ...(all.some(({ abandoned }) => abandoned === undefined)
      ? {}
      : { abandoned: sum(({ abandoned = 0 }) => abandoned) }),
  };
}

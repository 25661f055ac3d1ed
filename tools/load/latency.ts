/**
 * Latency, summarised from a histogram of exact values.
 *
 * @module
 */

import type { Amount } from "../figures.ts";

/** A histogram: how many answers took each latency, in microseconds; ascending. */
export type Histogram = ReadonlyMap<number, number>;

/** A latency distribution in microseconds. All zero where nothing was answered. */
export interface Latency {
  /** The arithmetic mean, not rounded. */
  readonly mean: Amount;
  /** The median: at least half of the answers took no longer. */
  readonly p50: Amount;
  /** At least three answers in four took no longer. */
  readonly p75: Amount;
  /** At least nine answers in ten took no longer. */
  readonly p90: Amount;
  /** At least 99 answers in 100 took no longer. */
  readonly p99: Amount;
  /** At least 999 answers in 1,000 took no longer; with fewer than 1,000 answers the same as `max`. */
  readonly p999: Amount;
  /** The longest latency; where answers timed out, at least the timeout. */
  readonly max: Amount;
}

/**
 * Summarises a histogram. Beside the answers in it, `timeouts` answers took at least `timeoutUs`. The
 * generator does not say how much longer, so each of them counts as `timeoutUs`, and a percentile that falls
 * among them is a lower bound.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { summarizeLatency } from "./latency.ts";
 *
 * const latency = summarizeLatency(new Map([[100, 98], [200, 1]]), { timeouts: 1, timeoutUs: 2_000_000 });
 * assertEquals(latency.p50, 100);
 * assertEquals(latency.p99, 200);
 * assertEquals(latency.max, 2_000_000);
 * ```
 */
export function summarizeLatency(
  histogram: Histogram,
  { timeouts = 0, timeoutUs = 0 }: { timeouts?: number; timeoutUs?: number } = {},
): Latency {
  const buckets = [...histogram];
  if (timeouts > 0) buckets.push([timeoutUs, timeouts]);
  buckets.sort(([a], [b]) => a - b);
  const count = buckets.reduce((sum, [, n]) => sum + n, 0);
  const total = buckets.reduce((sum, [us, n]) => sum + us * n, 0);
  return {
    mean: count === 0 ? 0 : total / count,
    p50: percentile(buckets, count, 0.5),
    p75: percentile(buckets, count, 0.75),
    p90: percentile(buckets, count, 0.9),
    p99: percentile(buckets, count, 0.99),
    p999: percentile(buckets, count, 0.999),
    max: buckets.at(-1)?.[0] ?? 0,
  };
}

/** The nearest-rank percentile: the smallest value that at least `fraction` of the answers do not exceed. */
function percentile(buckets: readonly [number, number][], count: number, fraction: number): number {
  const rank = Math.ceil(count * fraction);
  let seen = 0;
  for (const [us, n] of buckets) {
    seen += n;
    if (seen >= rank) return us;
  }
  return 0;
}

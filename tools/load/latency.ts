/**
 * Latency, summarised from a histogram of exact values.
 *
 * @module
 */

import type { Amount } from "../figures.ts";

/** A histogram: how many answers took each latency, in microseconds; ascending. */
export type Histogram = ReadonlyMap<number, number>;

/** Latencies below this have a place of their own in {@linkcode LatencyCounts}, in microseconds. */
const SHORT_US = 65_536;

/**
 * Counts latencies, each as a whole number of microseconds. Most of them are short, and cost an increment.
 */
export class LatencyCounts {
  readonly #short = new Uint32Array(SHORT_US);
  readonly #long = new Map<number, number>();

  /** Counts a latency, rounded to a microsecond. */
  add(latencyUs: number): void {
    const us = Math.round(latencyUs);
    if (us < SHORT_US) this.#short[us]!++;
    else this.#long.set(us, (this.#long.get(us) ?? 0) + 1);
  }

  /** All that were counted. */
  histogram(): Histogram {
    const histogram = new Map<number, number>();
    this.#short.forEach((count, us) => count > 0 && histogram.set(us, count));
    for (const us of [...this.#long.keys()].sort((a, b) => a - b)) histogram.set(us, this.#long.get(us)!);
    return histogram;
  }
}

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

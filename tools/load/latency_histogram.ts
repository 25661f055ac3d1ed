/**
 * A latency histogram small enough to keep: buckets that widen with the latency, as HdrHistogram's do
 * (http://hdrhistogram.org). Merging two loses nothing, because all have the same buckets.
 *
 * @module
 */

import type { Amount, Count } from "../figures.ts";
import type { Histogram } from "./latency.ts";

/**
 * A kept histogram: the n-th count belongs to the n-th latency. It holds answers of every status, and no
 * timeouts.
 */
export interface LatencyHistogram {
  /** The highest latency of each bucket that holds an answer, in microseconds, ascending. */
  readonly us: readonly Amount[];
  /** How many answers each bucket holds. */
  readonly count: readonly Count[];
}

/**
 * Buckets in each doubling of the latency. A latency read from a kept histogram is the true one or up to
 * 1/256 (0.4%) more.
 */
const BUCKETS_PER_DOUBLING = 256;

/**
 * Puts the latencies of a histogram into buckets. Up to 512 µs each microsecond has its own.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { bucketLatency } from "./latency_histogram.ts";
 *
 * const kept = bucketLatency(new Map([[100, 2], [70_001, 1], [70_100, 1]]));
 * assertEquals(kept, { us: [100, 70_143], count: [2, 2] });
 * ```
 */
export function bucketLatency(histogram: Histogram): LatencyHistogram {
  const buckets = new Map<number, number>();
  for (const [us, count] of histogram) {
    const highest = highestOfBucket(us);
    buckets.set(highest, (buckets.get(highest) ?? 0) + count);
  }
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  return { us: sorted.map(([us]) => us), count: sorted.map(([, count]) => count) };
}

/**
 * Merges histograms into one, exactly: the result is what a single kept histogram of all their answers would
 * hold.
 */
export function mergeLatency(histograms: readonly LatencyHistogram[]): Histogram {
  const merged = new Map<number, number>();
  for (const { us, count } of histograms) {
    for (const [i, latency] of us.entries()) merged.set(latency, (merged.get(latency) ?? 0) + count[i]!);
  }
  return merged;
}

function highestOfBucket(us: number): number {
  let width = 1;
  while (us >= 2 * BUCKETS_PER_DOUBLING * width) width *= 2;
  return (Math.floor(us / width) + 1) * width - 1;
}

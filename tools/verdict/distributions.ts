/**
 * Distributions of the witness: merged, and asked for shares.
 *
 * @module
 */

import type { Distribution } from "../observe/witness.ts";

/** A distribution, and of how many connections it is. */
export interface Weighted {
  /** How many. */
  readonly connections: number;
  /** Their figures. */
  readonly distribution: Distribution;
}

const MOST_VALUES = 16;

/** The distribution of no connection. */
export const NOTHING: Distribution = { min: 0, p5: 0, p50: 0, p95: 0, max: 0, mean: 0, most: [] };

/**
 * Merges distributions. Least, greatest, mean and frequent values are those of all connections; percentiles
 * are means of the parts' percentiles, weighted by their connections.
 */
export function mergeDistributions(parts: readonly Weighted[]): Distribution {
  const some = parts.filter(({ connections }) => connections > 0);
  if (some.length === 0) return NOTHING;
  if (some.length === 1) return some[0]!.distribution;
  const all = some.reduce((sum, { connections }) => sum + connections, 0);
  const weighted = (of: (distribution: Distribution) => number) =>
    some.reduce((sum, { connections, distribution }) => sum + connections * of(distribution), 0) / all;
  const counts = new Map<number, number>();
  for (const { distribution: { most } } of some) {
    for (const { value, connections } of most) counts.set(value, (counts.get(value) ?? 0) + connections);
  }
  return {
    min: Math.min(...some.map(({ distribution }) => distribution.min)),
    p5: weighted(({ p5 }) => p5),
    p50: weighted(({ p50 }) => p50),
    p95: weighted(({ p95 }) => p95),
    max: Math.max(...some.map(({ distribution }) => distribution.max)),
    mean: weighted(({ mean }) => mean),
    most: [...counts].map(([value, connections]) => ({ value, connections }))
      .sort((a, b) => b.connections - a.connections).slice(0, MOST_VALUES),
  };
}

/** The share of connections that have exactly this value; 0 where too few have it to be listed. */
export function shareOf({ connections, distribution }: Weighted, value: number): number {
  const found = distribution.most.find((one) => one.value === value);
  return connections === 0 || found === undefined ? 0 : found.connections / connections;
}

/**
 * The share of connections whose value is at least `limit`: read off a line through the percentiles, which
 * never rises with the limit.
 */
export function shareFrom({ min, p5, p50, p95, max }: Distribution, limit: number): number {
  const points: [number, number][] = [[min, 1], [p5, 0.95], [p50, 0.5], [p95, 0.05], [max, 0]];
  if (limit <= min) return 1;
  if (limit > max) return 0;
  const above = points.findIndex(([value]) => value >= limit);
  const [[low, before], [high, after]] = [points[above - 1]!, points[above]!];
  return before + (after - before) * (limit - low) / (high - low);
}

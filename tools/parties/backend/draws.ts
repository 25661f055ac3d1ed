/**
 * What differs from one answer of a backend to the next: drawn by chance, and alike in each run.
 *
 * @module
 */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { BackendPlan } from "../../scenario/plan.ts";

/** Draws for each request in turn. */
export interface Draws {
  /** What is added to the next answer, in milliseconds. */
  latencyMs(): number;
  /** The status of the next answer. */
  status(): number;
  /** Whether the next connection ends in place of an answer. */
  closesBeforeAnswer(): boolean;
}

/**
 * The draws of a backend. Each kind has a source of its own, so that an option more does not change what the
 * others draw. What is constant costs no draw.
 */
export function drawsOf({ latencyMs, latencyMostMs, slow, status, statuses, ...plan }: BackendPlan): Draws {
  const [forLatency, forSlow, forStatus, forClose] = [1, 2, 3, 4].map((seed) => {
    const source = xoroshiro128plus(seed);
    return () => uniformFloat64(source);
  }) as [Draw, Draw, Draw, Draw];
  const usual = latencyMostMs === undefined
    ? () => latencyMs
    : () => latencyMs + forLatency() * (latencyMostMs - latencyMs);
  const closed = plan.closeBeforeAnswer;
  return {
    latencyMs: slow === undefined ? usual : () => forSlow() < slow.share ? slow.latencyMs : usual(),
    status: statuses === undefined ? () => status : () => drawnFrom(statuses, forStatus()),
    closesBeforeAnswer: closed === undefined ? () => false : () => forClose() < closed,
  };
}

type Draw = () => number;

function drawnFrom(statuses: NonNullable<BackendPlan["statuses"]>, at: number): number {
  let below = 0;
  for (const { status, share } of statuses) {
    below += share;
    if (at < below) return status;
  }
  return statuses[0]!.status;
}

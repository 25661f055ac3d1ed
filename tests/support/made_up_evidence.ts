/** Evidence with every figure made up, to test causes with. */

import type { Distribution, EndedConnections, Witness } from "../../tools/observe/witness.ts";
import type { Evidence, WitnessEvidence } from "../../tools/verdict/evidence.ts";
import { mergeWitnesses } from "../../tools/verdict/merged_witness.ts";

/** All values the same. */
export function same(value: number, connections: number): Distribution {
  return { ...flat(value), most: connections === 0 ? [] : [{ value, connections }] };
}

function flat(value: number): Omit<Distribution, "most"> {
  return { min: value, p5: value, p50: value, p95: value, max: value, mean: value };
}

/** The distribution of these values. */
export function spread(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const counts = Map.groupBy(sorted, (value) => value);
  return {
    min: sorted[0]!,
    p5: at(0.05),
    p50: at(0.5),
    p95: at(0.95),
    max: sorted.at(-1)!,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    most: [...counts].map(([value, all]) => ({ value, connections: all.length }))
      .sort((a, b) => b.connections - a.connections).slice(0, 16),
  };
}

/**
 * Numbers of requests as a pool that is too small makes them: each connection survives a request by chance.
 */
export function survivors(connections: number, survival: number): number[] {
  return Array.from({ length: connections }, (_, i) => {
    // Quantiles of the geometric distribution: no generator, so that the test is the same every time.
    const quantile = (i + 0.5) / connections;
    return 1 + Math.floor(Math.log(1 - quantile) / Math.log(survival));
  });
}

/** Connections that ended: by the gateway with a FIN, idle for a moment, after one request, unless told. */
export function ended(connections: number, more: Partial<EndedConnections> = {}): EndedConnections {
  return {
    by: "peer",
    how: "fin",
    at: "idle",
    connections,
    askedToClose: 0,
    announced: 0,
    requests: same(1, connections),
    ...(more.at === undefined || more.at === "idle" ? { idleMs: same(1, connections) } : {}),
    ageMs: same(22, connections),
    ...more,
  };
}

/** A witness of 5,000 requests over 100 connections that stood all the time, unless told otherwise. */
export function witness(more: Partial<Witness> = {}): Witness {
  return {
    backend: "198.18.0.3:8081",
    stoodBefore: 100,
    accepted: 0,
    requests: 5_000,
    http10: 0,
    askedToClose: 0,
    unanswered: 0,
    openPeak: 100,
    ended: [],
    open: { connections: 100, busy: 95, requests: same(50, 100) },
    ...more,
  };
}

/** The evidence of 100 clients that asked 5,000 times, and of these witnesses in one repetition. */
export function evidence(witnesses: readonly Witness[], more: Partial<Evidence> = {}): Evidence {
  const merged = mergeWitnesses([witnesses]);
  const accepted = (merged as WitnessEvidence | undefined)?.accepted ?? 0;
  return {
    repetitions: 1,
    requests: {
      answered: 5_000,
      perSec: 2_500,
      failed: 0,
      timedOut: 0,
      concurrency: 100,
      closedLoop: true,
      latencyP50Ms: 40,
    },
    upstream: {
      destinations: 1,
      opened: accepted,
      answered: 5_000,
      openedPerSec: accepted / 2,
      closeWait: 0,
      timeWaitOnGateway: 0,
      timeWaitOnBackend: 0,
      backendMs: 20,
      backendClosesOnlyIfAsked: true,
    },
    clients: { opened: 100, needed: 100, timeWaitOnGateway: 0, timeWaitOnClient: 0 },
    listenDrops: 0,
    ...(merged === undefined ? {} : { witness: merged }),
    ...more,
  };
}

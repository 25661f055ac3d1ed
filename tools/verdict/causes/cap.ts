/**
 * A cap: fewer connections to the backend than requests that want one, so that requests wait in line.
 *
 * @module
 */

import type { Evidence } from "../evidence.ts";
import { type Cause, figures, WASTE_SHARE } from "./cause.ts";

/**
 * A cap holds fewer than this share of the requests back at once: above it, one request in twenty waits for
 * another one, which is less than what the gateway itself makes wait.
 */
const BELOW = 0.95;

/** All connections of a cap are busy, but for the moments between two requests. */
const BUSY_SHARE = 0.75;

/** So many more requests than the connections can carry were not answered by the backend, but refused. */
const BEYOND_THEM = 1.25;

/** The number that stands may differ by this share between samples, and between repetitions. */
const FLAT = 0.02;

/** What a cap costs. */
export interface CapCost {
  /** The most requests per second that the connections can carry. */
  readonly ceilingPerSec: number;
  /** Requests that wait for a connection, on average. */
  readonly waiting: number;
  /** The share of a latency that is such waiting. Left out where the latency is not known. */
  readonly waitingShare?: number;
}

/**
 * What a cap costs, by Little's law: `cap` connections of which each is busy for `backendMs` carry `cap` ÷
 * `backendMs` requests, and of `concurrency` requests under way the others wait.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { costOfCap } from "./cap.ts";
 *
 * const cost = costOfCap({ cap: 10, backendMs: 20, concurrency: 100, latencyMs: 200 });
 * assertEquals(cost, { ceilingPerSec: 500, waiting: 90, waitingShare: 0.9 });
 * ```
 */
export function costOfCap(
  { cap, backendMs, concurrency, latencyMs }: {
    readonly cap: number;
    readonly backendMs: number;
    readonly concurrency: number;
    readonly latencyMs?: number | undefined;
  },
): CapCost {
  return {
    ceilingPerSec: cap * 1000 / backendMs,
    waiting: Math.max(0, concurrency - cap),
    ...(latencyMs === undefined || latencyMs <= 0
      ? {}
      : { waitingShare: Math.min(1, Math.max(0, 1 - backendMs / latencyMs)) }),
  };
}

/** The cap of a gateway; empty where nothing shows one. */
export function causesOfCap(evidence: Evidence): Cause[] {
  const { requests = {}, upstream = {}, witness, pool } = evidence;
  const { concurrency, perSec, latencyP50Ms, closedLoop = true, pauses = false } = requests;
  const stood = stoodOf(evidence);
  if (concurrency === undefined || stood === undefined) return [];
  const [least, most] = stood;
  if (most === 0 || most > BELOW * concurrency || most - least > Math.max(FLAT * most, 0)) return [];
  const { backendMs } = upstream;
  const atBackend = backendMs === undefined || perSec === undefined ? undefined : perSec * backendMs / 1000;
  if (atBackend !== undefined && atBackend > BEYOND_THEM * most) return [];
  const busyShare = busyShareOf(evidence, most, atBackend);
  if (busyShare !== undefined && busyShare < BUSY_SHARE) return [];
  // An open loop or a pause leaves connections without work: only those that were asked for can wait.
  const allAsk = closedLoop && !pauses;
  if (busyShare === undefined && !allAsk) return [];
  const cost = backendMs === undefined || !allAsk
    ? undefined
    : costOfCap({ cap: most, backendMs, concurrency, latencyMs: latencyP50Ms });
  const known = pool !== undefined && pool.mostPerHost <= most;
  return [{
    cause: "cap",
    sure: busyShare !== undefined && (known || atBackend !== undefined)
      ? "certain"
      : busyShare === undefined
      ? "possible"
      : "likely",
    side: "gateway",
    evidence: figures({
      cap: most,
      concurrency,
      busyShare,
      backendMs,
      requestsPerSec: perSec,
      ...cost,
      connectionsOpened: witness?.accepted ?? upstream.opened,
    }),
    toldApartFrom: [
      { cause: "none", because: figures({ cap: most, concurrency, busyShare }) },
      {
        cause: "pool-too-small",
        because: figures({ connectionsOpened: witness?.accepted ?? upstream.opened }),
      },
    ],
    ...(busyShare === undefined ? { cannotTell: [{ cause: "none", tells: "backend latency" }] } : {}),
  }];
}

/** Between what numbers the connections that stood were, where they were nearly always the same ones. */
function stoodOf({ witness, upstream, requests }: Evidence): readonly [number, number] | undefined {
  if (witness !== undefined) {
    return witness.reopened < WASTE_SHARE * witness.requests ? witness.openPeaks : undefined;
  }
  const { openRange, opened, openedPerSec } = upstream ?? {};
  if (openRange === undefined || opened === undefined || openedPerSec === undefined) return undefined;
  return openedPerSec <= WASTE_SHARE * (requests?.perSec ?? 0) ? openRange : undefined;
}

/** The share of the connections that is busy; `undefined` where nothing tells. */
function busyShareOf(
  { witness }: Evidence,
  cap: number,
  atBackend: number | undefined,
): number | undefined {
  if (atBackend !== undefined) return Math.min(1, atBackend / cap);
  const { connections = 0, busy = 0 } = witness?.open ?? {};
  return connections === 0 ? undefined : busy / connections;
}

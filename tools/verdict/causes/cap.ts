/**
 * A cap: fewer connections to the backend than requests that want one, so that requests wait in line.
 *
 * @module
 */

import type { Evidence } from "../evidence.ts";
import { carriedPerSec, type Cause, figures, type Sure, WASTE_SHARE } from "./cause.ts";

/**
 * A cap holds fewer than this share of the requests back at once: above it, one request in twenty waits for
 * another one, which is less than what the gateway itself makes wait.
 */
const BELOW = 0.95;

/**
 * Under a cap the most connections are busy for at least this share of the time: see {@linkcode
 * BusyEvidence}.
 */
const FULL_SHARE = 0.1;

/**
 * Where no witness tells how busy the connections were: all of a cap are, but for the moments between two
 * requests.
 */
const BUSY_SHARE = 0.75;

/** So many more requests than the connections can carry were not answered by the backend, but refused. */
const BEYOND_THEM = 1.25;

/** The number that stands may differ by this share between samples, and between repetitions. */
const FLAT = 0.02;

/** In an open loop requests wait for a connection where answers take this many times the backend's time. */
const SLOWED = 1.25;

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
  const { concurrency } = evidence.requests ?? {};
  const seen = evidence.witness?.busy === undefined ? byTables(evidence) : byWitness(evidence);
  if (concurrency === undefined || seen === undefined) return [];
  const { cap, sure, backendMs, busyShare } = seen;
  if (cap === 0 || cap > BELOW * concurrency) return [];
  const { perSec, latencyP50Ms } = evidence.requests!;
  const cost = backendMs === undefined || !allAsk(evidence)
    ? undefined
    : costOfCap({ cap, backendMs, concurrency, latencyMs: latencyP50Ms });
  const connectionsOpened = evidence.witness?.accepted ?? evidence.upstream?.opened;
  return [{
    cause: "cap",
    sure,
    side: "gateway",
    evidence: figures({
      cap,
      concurrency,
      busyShare,
      backendMs,
      requestsPerSec: perSec,
      ...cost,
      connectionsOpened,
    }),
    toldApartFrom: [
      { cause: "none", because: figures({ cap, concurrency, busyShare }) },
      { cause: "pool-too-small", because: figures({ connectionsOpened }) },
    ],
    ...(sure === "possible" ? { cannotTell: [{ cause: "none", tells: "backend latency" }] } : {}),
  }];
}

/** A cap as it was seen. */
interface SeenCap {
  readonly cap: number;
  readonly sure: Sure;
  /** The time of a request at the backend, in milliseconds. */
  readonly backendMs: number | undefined;
  /** The mean share of its connections that was busy. */
  readonly busyShare: number | undefined;
}

/** Whether all clients ask all the time: an open loop or a pause leaves connections without work. */
function allAsk({ requests: { closedLoop = true, pauses = false } = {} }: Evidence): boolean {
  return closedLoop && !pauses;
}

/**
 * A cap is a number that the busy connections reach all the time and never pass. Which connections were
 * opened meanwhile does not matter: some gateways hand a connection from one thread to another by a new one.
 */
function byWitness(
  { witness, requests: { closedLoop = true, latencyP50Ms, abandoned = 0 } = {} }: Evidence,
): SeenCap | undefined {
  const { requests, busy } = witness!;
  const [least, cap] = busy!.most;
  if (requests === 0 || busy!.fullShare < FULL_SHARE || cap - least > Math.max(FLAT * cap, 1)) {
    return undefined;
  }
  const backendMs = busy!.totalMs / requests;
  // Those whose client left were busy for a shorter time than the others.
  const mostMs = busy!.totalMs / Math.max(1, requests - abandoned);
  if (!closedLoop && !(latencyP50Ms! > SLOWED * mostMs)) return undefined;
  return { cap, sure: "certain", backendMs, busyShare: Math.min(1, busy!.share) };
}

/** Without a witness: a number of connections that stands, and of which the requests keep all busy. */
function byTables(evidence: Evidence): SeenCap | undefined {
  const { upstream = {}, pool } = evidence;
  const { backendMs } = upstream;
  const [least, cap] = stoodOf(evidence) ?? [0, 0];
  if (cap - least > FLAT * cap) return undefined;
  // What was carried, whatever became of it: an answer of the backend that failed has kept a connection busy.
  const carried = carriedPerSec(evidence);
  const atBackend = backendMs === undefined || carried === undefined ? undefined : carried * backendMs / 1000;
  if (atBackend === undefined) {
    return allAsk(evidence) ? { cap, sure: "possible", backendMs, busyShare: undefined } : undefined;
  }
  if (atBackend > BEYOND_THEM * cap || atBackend < BUSY_SHARE * cap) return undefined;
  const known = pool !== undefined && pool.mostPerHost <= cap;
  return { cap, sure: known ? "certain" : "likely", backendMs, busyShare: Math.min(1, atBackend / cap) };
}

/** Between what numbers the connections that stood were, where they were nearly always the same ones. */
function stoodOf(evidence: Evidence): readonly [number, number] | undefined {
  const { witness, upstream } = evidence;
  if (witness !== undefined) {
    return witness.reopened < WASTE_SHARE * witness.requests ? witness.openPeaks : undefined;
  }
  const { openRange, opened, openedPerSec } = upstream ?? {};
  if (openRange === undefined || opened === undefined || openedPerSec === undefined) return undefined;
  return openedPerSec <= WASTE_SHARE * (carriedPerSec(evidence) ?? 0) ? openRange : undefined;
}

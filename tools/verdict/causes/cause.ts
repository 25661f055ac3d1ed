/**
 * A cause: why connections are opened that need not be, as data. The report has the words.
 *
 * @module
 */

import type { Evidence, PoolEvidence } from "../evidence.ts";

/** All causes, those that explain a failure first. */
export const CAUSES = [
  "ports-exhausted",
  "descriptors-exhausted",
  "accept-queue",
  "bound-source",
  "leak",
  "used-once",
  "close-asked",
  "pool-too-small",
  "many-pools",
  "request-limit",
  "backend-closes",
  "backend-idle-timeout",
  "gateway-idle-timeout",
  "cut-short",
  "cap",
  "client-side",
  "intended",
  "none",
] as const;

/** The name of a cause. */
export type CauseName = typeof CAUSES[number];

/**
 * - `certain`: what was seen would be absent under any other cause.
 * - `likely`: another cause could look like it, and something speaks against that one.
 * - `possible`: another cause that is named beside it looks the same.
 */
export type Sure = "certain" | "likely" | "possible";

/** The figures that a cause rests on. Shares are between 0 and 1; units are in the names. */
export interface CauseFigures {
  /** Requests that the backends were asked, or, where nobody counted there, that clients were answered. */
  readonly requests?: number;
  /** Connections opened to the backends. */
  readonly connectionsOpened?: number;
  /** Connections opened ÷ requests. */
  readonly openedPerRequest?: number;
  /** Connections of this cause that ended ÷ requests. */
  readonly endedPerRequest?: number;
  /** Connections that ended for this cause. */
  readonly connectionsEnded?: number;
  /** Their share of all connections that ended. */
  readonly shareOfEnded?: number;
  /** The share of connections that had served exactly one request when they ended. */
  readonly onceShare?: number;
  /** The median number of requests that a connection had served when it ended. */
  readonly requestsP50?: number;
  /** The most requests that a connection had served when it ended. */
  readonly requestsMax?: number;
  /** The share of requests that asked for the end of their connection. */
  readonly askedShare?: number;
  /** The share of requests in HTTP/1.0. */
  readonly http10Share?: number;
  /** The share of connections that the gateway ended. */
  readonly endedByGatewayShare?: number;
  /** The share of connections that ended by a reset. */
  readonly resetShare?: number;
  /** The share of connections whose end the backend had announced. */
  readonly announcedShare?: number;
  /** The median time for which a connection was idle when it ended, in milliseconds. */
  readonly idleP50Ms?: number;
  /** The 5th percentile of that time, in milliseconds. */
  readonly idleP5Ms?: number;
  /** The 95th percentile of that time, in milliseconds. */
  readonly idleP95Ms?: number;
  /** The median age of a connection when it ended, in milliseconds. */
  readonly ageP50Ms?: number;
  /** The age by which one in ten of the connections that ended had done so, in milliseconds. */
  readonly ageP10Ms?: number;
  /** The age by which nine in ten had. */
  readonly ageP90Ms?: number;
  /** The number of requests at which connections end. */
  readonly limit?: number;
  /** The share of connections that ended at that number. */
  readonly atLimitShare?: number;
  /** The most connections that stood at one time. */
  readonly openPeak?: number;
  /** Connections that stood at the end of the load. */
  readonly openAtEnd?: number;
  /** Connections that stood idle after all clients had been busy at one time. */
  readonly keptIdle?: number;
  /** Those of them that waited for an answer ÷ those that stood. */
  readonly busyShare?: number;
  /** The most requests that can have been under way at one time. */
  readonly concurrency?: number;
  /** Idle connections that the gateway keeps for each backend, by its own options. */
  readonly keepsPerHost?: number;
  /** Idle connections that the gateway keeps in all, by its own options. */
  readonly keepsInAll?: number;
  /** Threads that divide the pool. */
  readonly workers?: number;
  /** Backends, each of which has a pool of its own. */
  readonly destinations?: number;
  /** The connections to which the gateway is limited. */
  readonly cap?: number;
  /** How long the backend takes for an answer, in milliseconds. */
  readonly backendMs?: number;
  /** The most requests per second that so many connections can carry: `cap` ÷ `backendMs`. */
  readonly ceilingPerSec?: number;
  /** Requests per second that were answered. */
  readonly requestsPerSec?: number;
  /** Requests that wait for a connection, on average. */
  readonly waiting?: number;
  /** The share of the median latency that is such waiting. */
  readonly waitingShare?: number;
  /** Requests whose connection ended before their answer was whole. */
  readonly unanswered?: number;
  /** Requests that failed for the clients. */
  readonly failedRequests?: number;
  /** Those of them that were answered too late. */
  readonly timedOut?: number;
  /** Requests whose client left before the answer. */
  readonly abandoned?: number;
  /** Connections that clients opened to the gateway ÷ requests. */
  readonly clientOpenedPerRequest?: number;
  /** TIME_WAITs on the gateway for connections that it had opened. */
  readonly timeWaitOnGateway?: number;
  /** TIME_WAITs on the backends. */
  readonly timeWaitOnBackend?: number;
  /** TIME_WAITs on the gateway for connections that its clients had opened. */
  readonly timeWaitOfClients?: number;
  /** TIME_WAITs on the clients' host. */
  readonly timeWaitOnClient?: number;
  /** Connections in CLOSE_WAIT on the gateway. */
  readonly closeWait?: number;
  /** Failures that the gateway has logged. */
  readonly logged?: number;
  /** Ephemeral ports towards one destination. */
  readonly portRange?: number;
  /** The most of them in use. */
  readonly portsUsed?: number;
  /** Connections that a full queue of a listener dropped. */
  readonly listenDrops?: number;
}

/** A cause that was ruled out, and the figures that speak against it. */
export interface ToldApart {
  /** The other cause. */
  readonly cause: CauseName;
  /** What would be different under it. */
  readonly because: CauseFigures;
}

/**
 * What would tell a cause from another one that looks the same:
 *
 * - `witness`: a backend of ours, which sees what each connection carries and how it ends.
 * - `configuration`: the gateway's own settings: nothing outside of it differs.
 * - `one backend`: the same load with one backend.
 * - `one worker`: the same load with one worker of the gateway.
 * - `larger pool`: the same load with a pool as large as the concurrency.
 * - `longer load`: whether it goes on growing.
 * - `backend latency`: how long the backend takes under little load.
 * - `request count`: how many requests there were, on a live machine.
 */
export type WouldTell =
  | "witness"
  | "configuration"
  | "one backend"
  | "one worker"
  | "larger pool"
  | "longer load"
  | "backend latency"
  | "request count";

/** What cannot be told. */
export interface CannotTell {
  /** The cause that looks the same. */
  readonly cause: CauseName;
  /** What would tell. */
  readonly tells: WouldTell;
}

/** One cause of what a gateway does with its connections. */
export interface Cause {
  /** Its name. */
  readonly cause: CauseName;
  /** How sure it is. */
  readonly sure: Sure;
  /** Whose doing it is, where both sides can have it. */
  readonly side?: "gateway" | "backend" | "client";
  /** What it rests on. */
  readonly evidence: CauseFigures;
  /** What it was told apart from. */
  readonly toldApartFrom: readonly ToldApart[];
  /** What it could not be told apart from. Left out where there is nothing. */
  readonly cannotTell?: readonly CannotTell[];
}

/**
 * From this share of requests on, connections opened anew are worth a cause. It lies between the request
 * limits that products come with (products.ts): of 100 (1% of requests), which is worth raising, and of 1,000
 * (0.1%), which is not; and far from both, so that noise carries no run across it.
 */
export const WASTE_SHARE = 0.004;

/**
 * A smaller part of the connections that ended is no cause of its own: a client that leaves, an answer that
 * comes too late.
 */
export const SMALLEST_PART = 0.05;

/**
 * Connections end at one age where one in ten has at least this share of the age that nine in ten do not
 * pass. By chance (a geometric distribution) it is 1 in 22; after ten requests each, of which every
 * connection has its turn at random, 1 in 2.3.
 */
export const AT_ONE_AGE = 0.4;

/** An object without the properties that are `undefined`. */
export function figures(all: { readonly [K in keyof CauseFigures]?: number | undefined }): CauseFigures {
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined && Number.isFinite(value)),
  );
}

/** Requests per second that the connections to the backends carried; `undefined` where nobody counted. */
export function carriedPerSec({ upstream, requests }: Evidence): number | undefined {
  return upstream?.carriedPerSec ?? requests?.perSec;
}

/** Idle connections that a gateway of ours keeps for its backends; `undefined` for another gateway. */
export function keepsOf(pool: PoolEvidence | undefined, destinations = 1): number | undefined {
  return pool && Math.min(pool.keepsPerHost * destinations, pool.keepsInAll);
}

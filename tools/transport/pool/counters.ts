/**
 * Why connections were opened and closed: the books of a connection pool.
 *
 * @module
 */

import type { Amount, Count } from "../../figures.ts";

/** Why this side closed a connection, or found it closed. */
export type CloseReason =
  /** The host had `maxIdleConnsPerHost` idle connections already (Go: `errTooManyIdleHost`). */
  | "tooManyIdlePerHost"
  /** It was the least recently used of more than `maxIdleConns` (Go: `errTooManyIdle`). */
  | "tooManyIdle"
  /** Idle for `idleConnTimeoutMs`. */
  | "idleTimeout"
  /** `disableKeepAlives`. */
  | "keepAlivesDisabled"
  /** The backend closed it while it was idle. */
  | "closedByBackend"
  /** Bytes came that no request had asked for. */
  | "unsolicitedBytes"
  /** The response said that it was the last on this connection. */
  | "backendSaidClose"
  /** Reading or writing failed, or the response broke the protocol. */
  | "broken"
  /** The client left before the response was complete. */
  | "clientGone"
  /** The backend took too long. */
  | "timeout"
  /** The connection became a tunnel, which has ended. */
  | "upgraded"
  /** The pool was closed. */
  | "shutdown";

const REASONS: Readonly<Record<CloseReason, string>> = {
  tooManyIdlePerHost: "because the pool was full (maxIdleConnsPerHost)",
  tooManyIdle: "because the pool was full (maxIdleConns)",
  idleTimeout: "after being idle too long (idleConnTimeout)",
  keepAlivesDisabled: "after one request (disableKeepAlives)",
  closedByBackend: "by the backend while idle",
  unsolicitedBytes: "for bytes that nobody had asked for",
  backendSaidClose: "because the backend asked for it",
  broken: "because they were broken",
  clientGone: "because the client had left",
  timeout: "because the backend took too long",
  upgraded: "at the end of a tunnel",
  shutdown: "at the end",
};

/**
 * Says why connections were closed, the most frequent reason first:
 * `5400 closed because the pool was full (maxIdleConns)`.
 */
export function describeClosed(
  closed: PoolCounters["closed"],
  format: (count: number) => string = String,
): string[] {
  return Object.entries(closed).sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${format(count)} closed ${REASONS[reason as CloseReason]}`);
}

/** What has happened in a pool so far. All values are counts unless their names say otherwise. */
export interface PoolCounters {
  /** Connections opened. */
  readonly dialed: Count;
  /** Dials that failed, by the name of the errno, such as `EADDRNOTAVAIL`. */
  readonly dialFailures: Readonly<Record<string, Count>>;
  /** Requests that got a reused connection. */
  readonly reused: Count;
  /** Requests that found no idle connection. */
  readonly waited: Count;
  /** Sum of the times for which those requests waited. */
  readonly waitedMs: Amount;
  /** Requests among them that had to queue for permission to dial, because of `maxConnsPerHost`. */
  readonly queued: Count;
  /** Waits given up before a connection came. */
  readonly abandoned: Count;
  /** Connections closed, by reason. Reasons that did not occur are left out. */
  readonly closed: Readonly<Partial<Record<CloseReason, Count>>>;
  /** Idle connections now. */
  readonly idle: Count;
  /** Highest number of idle connections so far, in all pools that share the limits. */
  readonly idlePeak: Count;
  /** Connections in use now. */
  readonly inUse: Count;
  /** Highest number of connections in use so far. */
  readonly inUsePeak: Count;
}

/** Keeps {@linkcode PoolCounters} as they change. */
export class PoolLedger {
  /** See {@linkcode PoolCounters}. */
  dialed = 0;
  /** See {@linkcode PoolCounters}. */
  reused = 0;
  /** See {@linkcode PoolCounters}. */
  queued = 0;
  /** See {@linkcode PoolCounters}. */
  abandoned = 0;
  #waited = 0;
  #waitedMs = 0;
  #idle = 0;
  #idlePeak = 0;
  #inUse = 0;
  #inUsePeak = 0;
  readonly #dialFailures: Record<string, number> = {};
  readonly #closed: Partial<Record<CloseReason, number>> = {};

  /** A request that found no idle connection has stopped waiting, with a connection or without. */
  waited(ms: number): void {
    this.#waited++;
    this.#waitedMs += ms;
  }

  /** A dial failed. */
  dialFailed(error: unknown): void {
    const code = errnoOf(error);
    this.#dialFailures[code] = (this.#dialFailures[code] ?? 0) + 1;
  }

  /** A connection was closed. */
  closedFor(reason: CloseReason): void {
    this.#closed[reason] = (this.#closed[reason] ?? 0) + 1;
  }

  /** There are `count` idle connections now, and `inAll` in every pool that shares the limit. */
  nowIdle(count: number, inAll = count): void {
    this.#idle = count;
    if (inAll > this.#idlePeak) this.#idlePeak = inAll;
  }

  /** A request got a connection. */
  enterUse(): void {
    if (++this.#inUse > this.#inUsePeak) this.#inUsePeak = this.#inUse;
  }

  /** A request gave its connection back. */
  leaveUse(): void {
    this.#inUse--;
  }

  /** The counters as they are now. */
  snapshot(): PoolCounters {
    return {
      dialed: this.dialed,
      dialFailures: { ...this.#dialFailures },
      reused: this.reused,
      waited: this.#waited,
      waitedMs: this.#waitedMs,
      queued: this.queued,
      abandoned: this.abandoned,
      closed: { ...this.#closed },
      idle: this.#idle,
      idlePeak: this.#idlePeak,
      inUse: this.#inUse,
      inUsePeak: this.#inUsePeak,
    };
  }
}

/** The errno's name of a failed dial, such as `ECONNREFUSED`; the name of the error where it has none. */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { code } = error as Error & { code?: unknown };
  return typeof code === "string" ? code : error.name;
}

/**
 * Adds up the counters of several pools, such as those of a gateway's workers. The workers share their idle
 * limits, so each has seen the idle connections of all. The peaks of connections in use are added, which
 * gives an upper bound: the pools need not have peaked at the same moment.
 */
export function sumCounters(all: readonly PoolCounters[]): PoolCounters {
  const add = (of: (counters: PoolCounters) => number) =>
    all.reduce((sum, counters) => sum + of(counters), 0);
  const merge = (of: (counters: PoolCounters) => Readonly<Record<string, number>>) => {
    const merged: Record<string, number> = {};
    for (const counters of all) {
      for (const [name, count] of Object.entries(of(counters))) merged[name] = (merged[name] ?? 0) + count;
    }
    return merged;
  };
  return {
    dialed: add((counters) => counters.dialed),
    dialFailures: merge((counters) => counters.dialFailures),
    reused: add((counters) => counters.reused),
    waited: add((counters) => counters.waited),
    waitedMs: add((counters) => counters.waitedMs),
    queued: add((counters) => counters.queued),
    abandoned: add((counters) => counters.abandoned),
    closed: merge((counters) => counters.closed as Record<string, number>),
    idle: add((counters) => counters.idle),
    idlePeak: Math.max(0, ...all.map((counters) => counters.idlePeak)),
    inUse: add((counters) => counters.inUse),
    inUsePeak: add((counters) => counters.inUsePeak),
  };
}

/**
 * What happened in a pool between two snapshots. `idle` and `inUse` are those of the second; the peaks are
 * those since the pool began.
 */
export function countersSince(before: PoolCounters, now: PoolCounters): PoolCounters {
  const risen = (from: Readonly<Record<string, number>>, to: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      Object.entries(to).map(([name, count]): [string, number] => [name, count - (from[name] ?? 0)])
        .filter(([, count]) => count > 0),
    );
  return {
    ...now,
    dialed: now.dialed - before.dialed,
    dialFailures: risen(before.dialFailures, now.dialFailures),
    reused: now.reused - before.reused,
    waited: now.waited - before.waited,
    waitedMs: now.waitedMs - before.waitedMs,
    queued: now.queued - before.queued,
    abandoned: now.abandoned - before.abandoned,
    closed: risen(before.closed, now.closed),
  };
}

/**
 * Parses the line of counters that a gateway prints upon SIGUSR2 and at its end; `undefined` for any other
 * line.
 */
export function parsePoolCounters(line: string): PoolCounters | undefined {
  if (!line.startsWith("counters {")) return undefined;
  return JSON.parse(line.slice("counters ".length)).pool;
}

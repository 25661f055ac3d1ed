/**
 * The `net-http` transport: our own reverse proxy, in as many threads as there are processor cores, with the
 * two-gate connection pool of Go's `http.Transport`.
 *
 * Several threads share one port. `workers.ts` says what Deno must permit for that; without permission there
 * is one thread. The threads keep to `maxIdleConns` and `maxIdleConnsPerHost` together, by a shared count.
 * `maxConnsPerHost` is divided among them, because a request can only wait for a connection of its own
 * thread.
 *
 * @module
 */

import type { ListenAddress } from "../../server/address.ts";
import { availableParallelism } from "node:os";
import {
  type PoolLimits,
  poolWarning,
  type ResolvedPoolLimits,
  resolvePoolLimits,
  sharedIdleCounts,
} from "../pool/limits.ts";
import { sumCounters } from "../pool/counters.ts";
import { type ProxyCounters, startProxy } from "./proxy.ts";
import type { ProxyTimeoutOptions } from "./proxy_context.ts";
import { checkWorkers, missingForWorkers, shareOf, startWorkers } from "../workers/workers.ts";
import type { ProxyStart } from "./net_http_worker.ts";
import { openSockets, type SocketsName } from "./open_sockets.ts";

/** Options of the `net-http` transport. */
export interface NetHttpOptions {
  /** Where clients connect. Port 0 asks the kernel for a free one. */
  readonly listen: ListenAddress;
  /** Origins that requests go to, in turn; at least one. */
  readonly upstreams: readonly URL[];
  /** The limits of the pool. */
  readonly pool?: PoolLimits | undefined;
  /**
   * Number of threads that carry requests, never more than `maxConnsPerHost`. Default: one for each core if
   * Deno permits several, else 1. With 1 the requests are carried in the calling thread.
   */
  readonly workers?: number | undefined;
  /**
   * What carries the bytes: Deno's own sockets, or sockets on epoll, which need Linux and `--allow-ffi`.
   * Default `deno`.
   */
  readonly sockets?: SocketsName | undefined;
  /** How long the parts of an exchange may take. */
  readonly timeouts?: ProxyTimeoutOptions | undefined;
  /** Time that a stop waits for requests in flight before it cuts them, in milliseconds. */
  readonly graceMs: number;
  /**
   * Receives each line for the gateway's log. The first is a warning if the limits of the pool contradict
   * each other.
   */
  readonly log: (line: string) => void;
}

/**
 * The running transport. Disposing it stops accepting, waits up to `graceMs` for requests in flight, then
 * cuts the rest.
 */
export interface RunningNetHttp extends AsyncDisposable {
  /** Where the transport listens, with the real port if port 0 was asked for. */
  readonly address: ListenAddress;
  /** Number of threads that carry requests. */
  readonly workers: number;
  /** What has happened so far in all threads together. Works after disposing as well. */
  counters(): Promise<ProxyCounters>;
}

/**
 * Starts the transport.
 *
 * @throws {TimewaitError} for a pool limit that {@linkcode resolvePoolLimits} does not take, for no upstream,
 * or for `workers` below 1.
 * @throws {UnavailableError} where the address cannot be listened on, or where `workers` is above 1 and Deno
 * does not permit workers, or the sockets cannot be had.
 */
export async function startNetHttp(options: NetHttpOptions): Promise<RunningNetHttp> {
  const limits = resolvePoolLimits(options.pool);
  const warning = poolWarning(limits);
  if (warning !== undefined) options.log(`warning: ${warning}`);
  const workers = resolveWorkers(options.workers, limits);
  if (workers > 1) return await startProxies(options, limits, workers);
  if (options.workers === undefined && availableParallelism() > 1 && missingForWorkers().length > 0) {
    options.log(`note: 1 worker, for more of them need ${missingForWorkers().join(" and ")}`);
  }
  const proxy = startProxy({ ...options, sockets: await openSockets(options.sockets) });
  return {
    address: proxy.address,
    workers,
    counters: () => Promise.resolve(proxy.counters()),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/**
 * Number of threads that the options come to: see {@linkcode NetHttpOptions}.
 *
 * @throws {TimewaitError} for less than 1.
 * @throws {UnavailableError} for more than 1 where Deno does not permit them; says which flags do.
 */
export function resolveWorkers(workers: number | undefined, limits: ResolvedPoolLimits): number {
  const most = limits.maxConnsPerHost || Infinity;
  if (workers !== undefined) {
    const count = Math.min(workers, most);
    checkWorkers(count);
    return count;
  }
  return missingForWorkers().length > 0 ? 1 : Math.min(availableParallelism(), most);
}

async function startProxies(
  options: NetHttpOptions,
  limits: ResolvedPoolLimits,
  count: number,
): Promise<RunningNetHttp> {
  const { listen, log, timeouts = {}, sockets, graceMs } = options;
  const idleCounts = sharedIdleCounts(options.upstreams.length);
  const workers = await startWorkers<ProxyStart, ProxyCounters>({
    script: new URL("./net_http_worker.ts", import.meta.url),
    count,
    listen,
    log,
    startOf: (index, listen) => ({
      listen,
      upstreams: options.upstreams.map(String),
      pool: { ...limits, maxConnsPerHost: shareOf(limits.maxConnsPerHost, count, index) },
      idleCounts,
      sockets,
      timeouts,
      graceMs,
    }),
  });
  return {
    address: workers.address,
    workers: count,
    counters: async () => sumProxyCounters(await workers.counters()),
    [Symbol.asyncDispose]: () => workers[Symbol.asyncDispose](),
  };
}

function sumProxyCounters(all: readonly ProxyCounters[]): ProxyCounters {
  return {
    requests: all.reduce((sum, counters) => sum + counters.requests, 0),
    resent: all.reduce((sum, counters) => sum + counters.resent, 0),
    pool: sumCounters(all.map((counters) => counters.pool)),
  };
}

/**
 * The `net-http` transport: our own reverse proxy, in as many threads as there are processor cores, with the two-gate connection
 * pool of Go's `http.Transport`.
 *
 * Several threads listen on one port, and the kernel shares the clients out among them (`SO_REUSEPORT`). They keep to
 * `maxIdleConns` and `maxIdleConnsPerHost` together, by a count that they share; `maxConnsPerHost` is divided among them, for a
 * request can only wait for a connection of its own thread. Each thread needs to read its own source, and the port to be shared is an unstable
 * feature of Deno: `--allow-read=tools --unstable-net`. Without these there is one thread.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import type { ListenAddress } from "../../command_line.ts";
import {
  type PoolLimits,
  poolWarning,
  type ResolvedPoolLimits,
  resolvePoolLimits,
  sharedIdleCounts,
} from "../pool_limits.ts";
import { sumCounters } from "../pool_counters.ts";
import { type ProxyCounters, startProxy } from "./proxy.ts";
import type { ProxyTimeoutOptions } from "./proxy_context.ts";
import type { FromWorker, ToWorker } from "./net_http_worker.ts";

/** What the `net-http` transport needs to know. */
export interface NetHttpOptions {
  /** Where clients connect. Port 0 asks the kernel for a free one. */
  readonly listen: ListenAddress;
  /** Where requests go, in turn: at least one origin. */
  readonly upstreams: readonly URL[];
  /** The limits of the pool. */
  readonly pool?: PoolLimits | undefined;
  /**
   * How many threads carry requests. Default: as many as there are cores, as far as Deno permits; never more than `maxConnsPerHost`. 1 is this very
   * thread.
   */
  readonly workers?: number | undefined;
  /** How long things may take. */
  readonly timeouts?: ProxyTimeoutOptions | undefined;
  /** How long a stop waits for requests in flight before it cuts them, in milliseconds. */
  readonly graceMs: number;
  /** Receives each line for the gateway's log: a warning where the limits of the pool contradict each other is the first. */
  readonly log: (line: string) => void;
}

/** The transport, running. Disposing it stops accepting, waits for requests in flight for `graceMs`, then cuts the rest. */
export interface RunningNetHttp extends AsyncDisposable {
  /** Where it listens: the port is the real one, also where 0 was asked for. */
  readonly address: ListenAddress;
  /** How many threads carry requests. */
  readonly workers: number;
  /** What happened so far, all threads together. Works after disposing as well. */
  counters(): Promise<ProxyCounters>;
}

/**
 * Starts the transport.
 *
 * @throws {RangeError} for pool limits that make no sense, or no upstream.
 * @throws {Error} where the address cannot be listened on, or `workers` above 1 were asked for and Deno does not permit them.
 */
export async function startNetHttp(options: NetHttpOptions): Promise<RunningNetHttp> {
  const limits = resolvePoolLimits(options.pool);
  const warning = poolWarning(limits);
  if (warning !== undefined) options.log(`warning: ${warning}`);
  const workers = resolveWorkers(options.workers, limits);
  if (workers > 1) return await startWorkers(options, limits, workers);
  if (options.workers === undefined && availableParallelism() > 1 && missingForWorkers().length > 0) {
    options.log(`note: 1 worker, for more of them need ${missingForWorkers().join(" and ")}`);
  }
  const proxy = startProxy(options);
  return {
    address: proxy.address,
    workers,
    counters: () => Promise.resolve(proxy.counters()),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/**
 * How many threads there will be: see {@linkcode NetHttpOptions}.
 *
 * @throws {RangeError} for less than 1.
 * @throws {Error} for more than 1 where Deno does not permit them; says which flags do.
 */
export function resolveWorkers(workers: number | undefined, limits: ResolvedPoolLimits): number {
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1)) {
    throw new RangeError(`workers must be a whole number of at least 1, not ${workers}`);
  }
  const most = limits.maxConnsPerHost || Infinity;
  if (workers === 1 || most === 1) return 1;
  const missing = missingForWorkers();
  if (missing.length === 0) return Math.min(workers ?? availableParallelism(), most);
  if (workers === undefined) return 1;
  throw new Error(
    `${workers} workers need ${missing.join(" and ")}: give these to deno run, or ask for 1 worker`,
  );
}

function missingForWorkers(): string[] {
  const path = decodeURIComponent(new URL("../../", import.meta.url).pathname).replace(/\/$/, "");
  const missing: string[] = [];
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    missing.push(`--allow-read=${path}`);
  }
  // `Deno.listenDatagram` is there only with the same flag as `reusePort`.
  if (!("listenDatagram" in Deno)) missing.push("--unstable-net");
  return missing;
}

async function startWorkers(
  options: NetHttpOptions,
  limits: ResolvedPoolLimits,
  count: number,
): Promise<RunningNetHttp> {
  await using started = new AsyncDisposableStack();
  const idleCounts = sharedIdleCounts(options.upstreams.length);
  const workers: ProxyWorker[] = [];
  let { listen } = options;
  for (let i = 0; i < count; i++) {
    const worker = started.use(new ProxyWorker(options.log));
    const maxConnsPerHost = Math.floor(limits.maxConnsPerHost / count) +
      (i < limits.maxConnsPerHost % count ? 1 : 0);
    listen = await worker.start({
      ask: "start",
      listen,
      upstreams: options.upstreams.map(String),
      pool: { ...limits, maxConnsPerHost },
      idleCounts,
      timeouts: options.timeouts ?? {},
      graceMs: options.graceMs,
    });
    workers.push(worker);
  }
  const parts = started.move();
  return {
    address: listen,
    workers: count,
    counters: async () => sumProxyCounters(await Promise.all(workers.map((worker) => worker.counters()))),
    // All at once: one after the other would add their graces up.
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
      await parts.disposeAsync();
    },
  };
}

function sumProxyCounters(all: readonly ProxyCounters[]): ProxyCounters {
  return {
    requests: all.reduce((sum, counters) => sum + counters.requests, 0),
    resent: all.reduce((sum, counters) => sum + counters.resent, 0),
    pool: sumCounters(all.map((counters) => counters.pool)),
  };
}

/** A thread with a proxy in it. */
class ProxyWorker implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./net_http_worker.ts", import.meta.url), { type: "module" });
  readonly #log: (line: string) => void;
  #answered: ((answer: FromWorker) => void) | undefined;
  #last: ProxyCounters | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #started = false;

  constructor(log: (line: string) => void) {
    this.#log = log;
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.say === "log") this.#log(data.line);
      else this.#answered?.(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#answered?.({ say: "failed", message: event.message });
    };
  }

  async start(start: ToWorker): Promise<ListenAddress> {
    const answer = await this.#ask(start);
    if (answer.say !== "listening") throw new Error(answer.say === "failed" ? answer.message : answer.say);
    this.#started = true;
    return answer.address;
  }

  async counters(): Promise<ProxyCounters> {
    if (this.#last !== undefined) return this.#last;
    const answer = await this.#ask({ ask: "counters" });
    if (answer.say !== "counters") throw new Error("a worker of the gateway is gone");
    return answer.counters;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#last === undefined && this.#started) {
      const answer = await this.#ask({ ask: "stop" });
      if (answer.say === "stopped") this.#last = answer.counters;
    }
    this.#worker.terminate();
  }

  /** One question at a time, each answered before the next. */
  #ask(question: ToWorker): Promise<FromWorker> {
    const answer = this.#turn.then(() =>
      new Promise<FromWorker>((resolve) => {
        this.#answered = resolve;
        this.#worker.postMessage(question);
      })
    );
    this.#turn = answer;
    return answer;
  }
}

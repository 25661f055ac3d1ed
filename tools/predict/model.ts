/**
 * What a simulation is told: a load, a gateway with its pool, a backend, and the CPUs that they share.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";

/** A load in which each of so many clients waits for its answer before it asks again. */
export interface ClosedLoad {
  /** Selects it. */
  readonly kind: "closed";
  /** Clients, each with one connection to the gateway. */
  readonly connections: number;
}

/** A load whose requests are due at times of their own. */
export interface OpenLoad {
  /** Selects it. */
  readonly kind: "open";
  /** Requests a second. */
  readonly ratePerSec: number;
  /** `even`: at equal distances. `poisson`: at random, independently of each other. */
  readonly arrivals: "even" | "poisson";
  /** Connections to the gateway, which take turns; they bear on how the workers share the requests. */
  readonly connections: number;
}

/** The backend, and the way to it. */
export interface BackendModel {
  /** Time until an answer, in milliseconds, without the backend's own work. */
  readonly latencyMs: number;
  /**
   * How the latency varies: a share, by which it is off in either direction, each amount as likely as the
   * other; or `exponential`, with `latencyMs` as its mean.
   */
  readonly spread: number | "exponential";
  /** Answers leave at multiples of this time, in milliseconds, as with timers of that grain; 0 for none. */
  readonly grainMs: number;
  /** Threads; `Infinity` for a backend that never lets a request wait. */
  readonly threads: number;
  /** Its CPU time for a request, in microseconds. */
  readonly requestUs: number;
  /** Its CPU time to accept a connection, in microseconds. */
  readonly acceptUs: number;
}

/** The gateway's work. */
export interface GatewayModel {
  /** Event loops, each with a pool and clients of its own, among which the kernel spreads the connections. */
  readonly workers: number;
  /** Threads that share the events of one worker; 2 in a Go program on two CPUs. */
  readonly threads: number;
  /** CPU time to take a request and send it on, in microseconds. */
  readonly requestUs: number;
  /** CPU time to take an answer and pass it on, in microseconds. */
  readonly answerUs: number;
  /** CPU time to open a connection, in microseconds. */
  readonly connectUs: number;
  /**
   * How an event loop orders what is ready. `answers first`: in each round up to `batch` answers, then the
   * requests that were there when the round began. `in turn`: as it came.
   */
  readonly order: "answers first" | "in turn";
  /** Most answers in a round, on average over the rounds. */
  readonly batch: number;
  /**
   * Share by which that is off in a round, in either direction, each amount as likely as the other; or
   * `exponential`, with `batch` as its mean.
   */
  readonly batchSpread: number | "exponential";
  /** How long a worker stands still now and then, in milliseconds, as for garbage; 0 where it never does. */
  readonly pauseMs: number;
  /** How long it is from one such pause to the next, on average, in milliseconds. */
  readonly pauseEveryMs: number;
}

/** The pool of connections to the backend. */
export interface PoolModel {
  /** Most idle connections to one destination. */
  readonly perHost: number;
  /** Most idle connections to all destinations; the least recently used is closed beyond it. */
  readonly total: number;
  /** `true`: the two limits are those of all workers together. `false`: each worker has them for itself. */
  readonly together: boolean;
  /** How long a connection may be idle, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Requests after which a connection is closed. */
  readonly requestLimit: number;
  /** Most connections of a worker to one destination: a hard cap, at which requests wait. */
  readonly maxConns: number;
  /** Most requests of a worker that wait for one destination at the hard cap; more are refused. */
  readonly maxPending: number;
}

/** All that a simulation is told. A limit that there is not is `Infinity`. */
export interface Model {
  /** What drives it. */
  readonly load: ClosedLoad | OpenLoad;
  /** The load comes for `onMs`, pauses for `offMs`, and so on. Left out for a load without pauses. */
  readonly burst?: { readonly onMs: number; readonly offMs: number };
  /** CPU time of a client for an answer and its next request, in microseconds. */
  readonly clientUs: number;
  /** Threads of the client; `Infinity` for one that never lets an answer wait. */
  readonly clientThreads: number;
  /** The gateway's work. */
  readonly gateway: GatewayModel;
  /** Its pool. */
  readonly pool: PoolModel;
  /** The backend. */
  readonly backend: BackendModel;
  /** Backends, each at an address of its own; requests go to them in turn. */
  readonly destinations: number;
  /** Ephemeral ports towards each destination. */
  readonly ports: number;
  /** How long a closed connection keeps its port, in seconds: 60 in TIME_WAIT on Linux. */
  readonly timeWaitSec: number;
  /** CPUs that all threads share; `Infinity` where each thread has one of its own. */
  readonly cpus: number;
  /** CPUs that other programs use, as a number of CPUs; nothing where each thread has a CPU of its own. */
  readonly others: number;
  /** How long a thread keeps a CPU for which others wait, in milliseconds. */
  readonly sliceMs: number;
}

/** Most clients of a closed loop. */
const MOST_CONNECTIONS = 4_000_000;

/**
 * Refuses a model that cannot be simulated.
 *
 * @throws {TimewaitError} which names the field.
 */
export function checkModel({ load, burst, gateway, destinations, ports, cpus, pool }: Model): void {
  const refuse = (field: string, problem: string) => {
    throw new TimewaitError(problem, { field });
  };
  const { connections } = load;
  if (!(connections >= 1 && connections <= MOST_CONNECTIONS)) {
    refuse("connections", `takes 1 to ${MOST_CONNECTIONS}, not ${connections}`);
  }
  if (load.kind === "open" && !(load.ratePerSec > 0)) refuse("rate", "must be above 0");
  if (burst !== undefined && !(burst.onMs > 0)) {
    refuse("burst", "needs a time above 0 in which there is load");
  }
  const atLeastOne = { workers: gateway.workers, threads: gateway.threads, destinations, ports, cpus };
  for (const [field, value] of Object.entries(atLeastOne)) {
    if (!(value >= 1)) refuse(field, `must be at least 1, not ${value}`);
  }
  if (!(pool.requestLimit >= 1)) refuse("requestLimit", "must be at least 1");
  if (!(pool.maxConns >= 1)) refuse("maxConns", "must be at least 1");
}

/**
 * The parts of a connection pool: connections, hosts, and the requests that wait.
 *
 * @module
 */

import { Ring, type RingNode } from "./ring.ts";

/** A connection that a pool can keep: all that the pool does with it is to close it. */
export interface PoolableConn {
  /** Closes the connection at once. The pool calls it once. */
  close(): void;
}

/**
 * Opens a connection to a host. The reader of the connection calls `lost` as soon as an idle connection has
 * become useless. A call while the connection is in use, or a second call, does nothing.
 */
export type Dial<C extends PoolableConn> = (
  host: string,
  lost: (reason: "closedByBackend" | "unsolicitedBytes") => void,
) => Promise<C>;

/** A connection that the pool has handed out. Its holder gives it back once, with `put` or `discard`. */
export interface Pooled<C extends PoolableConn> {
  /** The connection that the dial returned. */
  readonly conn: C;
  /** The host that the connection leads to. */
  readonly host: PoolHost<C>;
  /** How often the connection was reused. 0 means that it was dialed for its present request. */
  readonly timesReused: number;
}

/** The part of a pool that belongs to one host; see `ConnectionPool.host`. */
export interface PoolHost<C extends PoolableConn> {
  /** The name that was given to `ConnectionPool.host`. */
  readonly name: string;
  /** Idle connections to this host now. */
  readonly idle: number;
  /** Requests that wait for a connection to this host now. */
  readonly waiting: number;
  /** Connections to this host now, including those that are being dialed. */
  readonly conns: number;
}

type Place = "inUse" | "idle" | "gone";

/** A connection, and whether it is in use, idle or gone. */
export class PooledConn<C extends PoolableConn> implements Pooled<C> {
  conn!: C;
  timesReused = 0;
  place: Place = "inUse";
  idleSinceMs = 0;
  readonly ofHost: RingNode<PooledConn<C>> = Ring.node(this);
  readonly ofPool: RingNode<PooledConn<C>> = Ring.node(this);
  constructor(readonly host: HostState<C>) {}
}

/** A request that waits for a connection. */
export class Waiter<C extends PoolableConn> {
  /** The waiter's place in the queue for any connection of the host. */
  readonly forConn: RingNode<Waiter<C>> = Ring.node(this);
  /** The waiter's place in the queue for permission to dial, under `maxConnsPerHost`. */
  readonly forDial: RingNode<Waiter<C>> = Ring.node(this);
  constructor(
    readonly resolve: (pooled: PooledConn<C>) => void,
    readonly reject: (error: unknown) => void,
  ) {}
}

/** Number of idle connections in this pool and in every pool that shares the count. */
export class IdleCount {
  constructor(readonly counts: Int32Array, readonly index: number) {}

  /** Counts one more connection, unless there are `limit` already. Returns whether it did. */
  enter(limit: number): boolean {
    if (Atomics.add(this.counts, this.index, 1) < limit) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.sub(this.counts, this.index, 1);
  }

  /**
   * Number of idle connections, at most `limit`. The count passes the limit for the moment in which the pool
   * chooses what to close.
   */
  now(limit: number): number {
    return Math.min(limit, Atomics.load(this.counts, this.index));
  }
}

/** What a pool knows about one host. */
export class HostState<C extends PoolableConn> implements PoolHost<C> {
  readonly idleConns = new Ring<PooledConn<C>>();
  readonly waiters = new Ring<Waiter<C>>();
  readonly dialQueue = new Ring<Waiter<C>>();
  conns = 0;
  constructor(readonly name: string, readonly idleCount: IdleCount) {}
  get idle(): number {
    return this.idleConns.size;
  }
  get waiting(): number {
    return this.waiters.size;
  }
}

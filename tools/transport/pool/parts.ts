/**
 * What a connection pool is made of: connections, hosts, and the requests that wait.
 *
 * @module
 */

import { Ring, type RingNode } from "./ring.ts";

/** What the pool asks of a connection: that it can be closed. */
export interface PoolableConn {
  /** Ends it, at once and for good. Called once. */
  close(): void;
}

/**
 * Opens a connection to a host. Whoever reads from the connection tells the pool by `lost` as soon as it is of no more
 * use while idle; telling it while the connection is in use, or again, does nothing.
 */
export type Dial<C extends PoolableConn> = (
  host: string,
  lost: (reason: "closedByBackend" | "unsolicitedBytes") => void,
) => Promise<C>;

/** A connection as the pool holds it. The one who got it gives it back with `put` or `discard`, once. */
export interface Pooled<C extends PoolableConn> {
  /** The connection itself, as the dial made it. */
  readonly conn: C;
  /** The host it leads to. */
  readonly host: PoolHost<C>;
  /** How often it came out of the pool. 0: it was dialed for the request that has it now. */
  readonly timesReused: number;
}

/** The part of a pool that belongs to one host; see `ConnectionPool.host`. */
export interface PoolHost<C extends PoolableConn> {
  /** As given to `ConnectionPool.host`. */
  readonly name: string;
  /** Idle connections to this host now. */
  readonly idle: number;
  /** Requests that wait for a connection to this host now. */
  readonly waiting: number;
  /** Connections to this host now, those being dialed included. */
  readonly conns: number;
}

type Place = "inUse" | "idle" | "gone";

/** A connection and where it is. */
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
  /** In the queue for any connection of the host. */
  readonly forConn: RingNode<Waiter<C>> = Ring.node(this);
  /** In the queue for leave to dial, under `maxConnsPerHost`. */
  readonly forDial: RingNode<Waiter<C>> = Ring.node(this);
  constructor(
    readonly resolve: (pooled: PooledConn<C>) => void,
    readonly reject: (error: unknown) => void,
  ) {}
}

/** How many idle connections there are, here and in every pool that shares the count. */
export class IdleCount {
  constructor(readonly counts: Int32Array, readonly index: number) {}

  /** Counts one more, unless there are `limit` already. */
  enter(limit: number): boolean {
    if (Atomics.add(this.counts, this.index, 1) < limit) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.sub(this.counts, this.index, 1);
  }

  /** How many there are, at most `limit`: it is passed for the moment in which the one to close is found. */
  now(limit: number): number {
    return Math.min(limit, Atomics.load(this.counts, this.index));
  }
}

/** What a pool knows of one host. */
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

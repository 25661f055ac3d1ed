/**
 * A pool of keep-alive connections with the semantics of Go's `net/http.Transport`, knowing nothing of HTTP.
 *
 * A connection that becomes idle passes two gates. The first is its host's: if `maxIdleConnsPerHost` idle
 * connections are kept already, the connection is closed. The second is the total: if it would be one more
 * than `maxIdleConns`, the least recently used idle connection of *any* host is closed instead. A connection
 * that fails a gate is closed from this side, so this side owns the TIME_WAIT.
 *
 * Every operation takes constant time, whatever the number of idle connections, hosts or waiting requests.
 *
 * @module
 */

import { type CloseReason, type PoolCounters, PoolLedger } from "./counters.ts";
import { type PoolLimits, type ResolvedPoolLimits, resolvePoolLimits } from "./limits.ts";
import {
  type Dial,
  HostState,
  IdleCount,
  type PoolableConn,
  type Pooled,
  PooledConn,
  type PoolHost,
  Waiter,
} from "./parts.ts";
import { Ring } from "./ring.ts";

export type { Dial, PoolableConn, Pooled, PoolHost } from "./parts.ts";

/**
 * Keeps connections for reuse.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ConnectionPool } from "./pool.ts";
 *
 * using pool = new ConnectionPool(() => Promise.resolve({ close() {} }), { maxIdleConnsPerHost: 1 });
 * const host = pool.host("127.0.0.1:8081");
 * const first = await pool.get(host);
 * pool.put(first);
 * assertEquals(await pool.get(host), first);
 * pool.discard(first, "broken");
 * assertEquals(pool.counters().dialed, 1);
 * ```
 */
export class ConnectionPool<C extends PoolableConn> implements Disposable {
  /** The limits in force. */
  readonly limits: ResolvedPoolLimits;
  readonly #dial: Dial<C>;
  readonly #hosts = new Map<string, HostState<C>>();
  /** All idle connections, the least recently used first. */
  readonly #idle = new Ring<PooledConn<C>>();
  readonly #idleCount: IdleCount;
  readonly #shared: Int32Array | undefined;
  readonly #now: () => number;
  readonly #ledger = new PoolLedger();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * A pool that opens connections with `dial`.
   *
   * Pools in several threads keep to `maxIdleConns` and `maxIdleConnsPerHost` together if they share
   * `counts`, made by {@linkcode sharedIdleCounts}, and look their hosts up in the same order. Each pool then
   * closes the least recently used of its own connections.
   *
   * Idle times are told by `now`, in milliseconds: `performance.now()`, or what is cheaper and as monotonic.
   *
   * @throws {TimewaitError} for limits that {@linkcode resolvePoolLimits} does not take.
   */
  constructor(dial: Dial<C>, limits: PoolLimits = {}, counts?: Int32Array, now?: () => number) {
    this.#dial = dial;
    this.#now = now ?? (() => performance.now());
    this.limits = resolvePoolLimits(limits);
    this.#shared = counts;
    this.#idleCount = new IdleCount(counts ?? new Int32Array(1), 0);
  }

  /** The host of this name. Look a host up once and keep it, because `get` then needs no lookup. */
  host(name: string): PoolHost<C> {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      const place = this.#shared === undefined ? 0 : this.#hosts.size + 1;
      host = new HostState(name, new IdleCount(this.#shared ?? new Int32Array(1), place));
      this.#hosts.set(name, host);
    }
    return host;
  }

  /**
   * Takes the most recently used idle connection; `undefined` if none is idle. It never waits and never
   * dials.
   */
  takeIdle(host: PoolHost<C>): Pooled<C> | undefined {
    const { idleConns } = host as HostState<C>;
    for (let node = idleConns.last; node !== undefined; node = idleConns.last) {
      const pooled = node.item;
      this.#leaveIdle(pooled);
      if (this.#expired(pooled)) this.#close(pooled, "idleTimeout");
      else {
        pooled.place = "inUse";
        pooled.timesReused++;
        this.#ledger.reused++;
        this.#ledger.enterUse();
        return pooled;
      }
    }
    return undefined;
  }

  /**
   * Gets a connection to the host: the most recently used idle connection, or else the first that is given
   * back or dialed. A dial that comes too late for its request goes into the pool. Under `maxConnsPerHost`,
   * requests are served in the order in which they came, and a dial that fails lets the next request dial.
   *
   * @throws the error of the request's own dial, or the reason of `signal`, upon which the request gives up
   * its place in the queue.
   */
  get(host: PoolHost<C>, signal?: AbortSignal): Promise<Pooled<C>> {
    const idle = this.takeIdle(host);
    if (idle !== undefined) return Promise.resolve(idle);
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("the pool is closed"));
    if (signal?.aborted) return Promise.reject(signal.reason);
    return this.#wait(host as HostState<C>, signal);
  }

  /** Gives a connection back for reuse: to the request that has waited longest, or through the two gates. */
  put(pooled: Pooled<C>): void {
    const given = this.#leaveUse(pooled);
    if (given === undefined) return;
    if (this.limits.disableKeepAlives) this.#close(given, "keepAlivesDisabled");
    else if (this.#closed) this.#close(given, "shutdown");
    else this.#offer(given);
  }

  /** Closes a connection that was handed out, for a reason that is counted. */
  discard(pooled: Pooled<C>, reason: CloseReason): void {
    const given = this.#leaveUse(pooled);
    if (given !== undefined) this.#close(given, reason);
  }

  /** What has happened in the pool so far. */
  counters(): PoolCounters {
    return this.#ledger.snapshot();
  }

  /**
   * Closes all idle connections now, and each connection in use when it is given back. Refuses waiting
   * requests.
   */
  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (let node = this.#idle.first; node !== undefined; node = this.#idle.first) {
      this.#leaveIdle(node.item);
      this.#close(node.item, "shutdown");
    }
    for (const host of this.#hosts.values()) {
      for (let node = host.waiters.first; node !== undefined; node = host.waiters.first) {
        this.#forget(host, node.item);
        node.item.reject(new Deno.errors.BadResource("the pool is closed"));
      }
    }
  }

  #wait(host: HostState<C>, signal: AbortSignal | undefined): Promise<PooledConn<C>> {
    const since = performance.now();
    const waited = new Promise<PooledConn<C>>((resolve, reject) => {
      const abandon = () => {
        this.#forget(host, waiter);
        this.#ledger.abandoned++;
        waiter.reject(signal!.reason);
      };
      const settled = () => {
        this.#ledger.waited(performance.now() - since);
        signal?.removeEventListener("abort", abandon);
      };
      const waiter = new Waiter<C>(
        (pooled) => (settled(), resolve(pooled)),
        (error) => (settled(), reject(error)),
      );
      signal?.addEventListener("abort", abandon, { once: true });
      host.waiters.push(waiter.forConn);
      const limit = this.limits.maxConnsPerHost;
      if (limit > 0 && host.conns >= limit) {
        this.#ledger.queued++;
        host.dialQueue.push(waiter.forDial);
      } else {
        host.conns++;
        this.#dialFor(host, waiter);
      }
    });
    return waited;
  }

  async #dialFor(host: HostState<C>, waiter: Waiter<C>): Promise<void> {
    const pooled = new PooledConn<C>(host);
    try {
      pooled.conn = await this.#dial(host.name, (reason) => this.#lose(pooled, reason));
    } catch (error) {
      this.#ledger.dialFailed(error);
      this.#releasePlace(host);
      if (waiter.forConn.ring !== undefined) {
        this.#forget(host, waiter);
        waiter.reject(error);
      }
      return;
    }
    this.#ledger.dialed++;
    if (waiter.forConn.ring !== undefined) {
      this.#forget(host, waiter);
      this.#ledger.enterUse();
      waiter.resolve(pooled);
    } else if (this.#closed) this.#close(pooled, "shutdown");
    else if (this.limits.disableKeepAlives) this.#close(pooled, "keepAlivesDisabled");
    else this.#offer(pooled);
  }

  /**
   * Gives a free connection to the first waiter; if nobody waits, the connection has to pass the two gates.
   */
  #offer(pooled: PooledConn<C>): void {
    const { host } = pooled;
    const next = host.waiters.first;
    if (next !== undefined) {
      this.#forget(host, next.item);
      pooled.place = "inUse";
      pooled.timesReused++;
      this.#ledger.reused++;
      this.#ledger.enterUse();
      next.item.resolve(pooled);
      return;
    }
    if (!host.idleCount.enter(this.limits.maxIdleConnsPerHost)) {
      return this.#close(pooled, "tooManyIdlePerHost");
    }
    pooled.place = "idle";
    host.idleConns.push(pooled.ofHost);
    this.#idle.push(pooled.ofPool);
    const { maxIdleConns, idleConnTimeoutMs } = this.limits;
    if (!this.#idleCount.enter(maxIdleConns || Infinity)) {
      // The new connection is counted nevertheless: the connection that is closed takes its own count along.
      this.#idleCount.enter(Infinity);
      // With shared counts the oldest may be the new connection itself.
      const oldest = this.#idle.first!.item;
      this.#leaveIdle(oldest);
      this.#close(oldest, "tooManyIdle");
    }
    this.#ledger.nowIdle(this.#idle.size, this.#idleCount.now(this.limits.maxIdleConns || Infinity));
    if (idleConnTimeoutMs > 0) {
      pooled.idleSinceMs = this.#now();
      if (this.#timer === undefined) this.#armTimer(idleConnTimeoutMs);
    }
  }

  /** One timer for all: the least recently used connection is always the next to expire. */
  #armTimer(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const timeoutMs = this.limits.idleConnTimeoutMs;
      const now = performance.now();
      for (let node = this.#idle.first; node !== undefined; node = this.#idle.first) {
        const leftMs = node.item.idleSinceMs + timeoutMs - now;
        if (leftMs > 0) return this.#armTimer(leftMs);
        this.#leaveIdle(node.item);
        this.#close(node.item, "idleTimeout");
      }
    }, Math.min(delayMs, 2 ** 31 - 1));
    Deno.unrefTimer(this.#timer);
  }

  /**
   * Whether an idle connection is too old. The timer may be late when the event loop is busy, so `takeIdle`
   * checks as well.
   */
  #expired(pooled: PooledConn<C>): boolean {
    const timeoutMs = this.limits.idleConnTimeoutMs;
    return timeoutMs > 0 && this.#now() - pooled.idleSinceMs >= timeoutMs;
  }

  #lose(pooled: PooledConn<C>, reason: CloseReason): void {
    if (pooled.place !== "idle") return;
    this.#leaveIdle(pooled);
    this.#close(pooled, reason);
  }

  #leaveIdle(pooled: PooledConn<C>): void {
    pooled.host.idleConns.remove(pooled.ofHost);
    pooled.host.idleCount.leave();
    this.#idle.remove(pooled.ofPool);
    this.#idleCount.leave();
    this.#ledger.nowIdle(this.#idle.size, this.#idleCount.now(this.limits.maxIdleConns || Infinity));
  }

  #leaveUse(pooled: Pooled<C>): PooledConn<C> | undefined {
    const given = pooled as PooledConn<C>;
    if (given.place !== "inUse") return undefined;
    this.#ledger.leaveUse();
    return given;
  }

  #close(pooled: PooledConn<C>, reason: CloseReason): void {
    pooled.place = "gone";
    this.#ledger.closedFor(reason);
    pooled.conn.close();
    this.#releasePlace(pooled.host);
  }

  /** A connection has been closed or a dial has failed: the next in the queue may dial in its place. */
  #releasePlace(host: HostState<C>): void {
    const next = host.dialQueue.first;
    if (next === undefined) {
      host.conns--;
      return;
    }
    host.dialQueue.remove(next);
    this.#dialFor(host, next.item);
  }

  #forget(host: HostState<C>, waiter: Waiter<C>): void {
    host.waiters.remove(waiter.forConn);
    host.dialQueue.remove(waiter.forDial);
  }
}

/**
 * The pools of a simulated gateway, in typed arrays: two gates, the most recently used connection first, an
 * idle timeout, a limit of requests. The rules are those of `transport/pool/pool.ts`.
 *
 * @module
 */

import type { PoolModel } from "./model.ts";

const NONE = -1;

/** Lists of connections that are linked in both directions; a connection is in at most one of them. */
class Lists {
  #next = new Int32Array(64);
  #previous = new Int32Array(64);
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly size: Int32Array;

  constructor(count: number) {
    this.first = new Int32Array(count).fill(NONE);
    this.last = new Int32Array(count).fill(NONE);
    this.size = new Int32Array(count);
  }

  grow(length: number): void {
    this.#next = grown(this.#next, length);
    this.#previous = grown(this.#previous, length);
  }

  push(list: number, conn: number): void {
    const last = this.last[list]!;
    this.#previous[conn] = last;
    this.#next[conn] = NONE;
    if (last === NONE) this.first[list] = conn;
    else this.#next[last] = conn;
    this.last[list] = conn;
    this.size[list]!++;
  }

  remove(list: number, conn: number): void {
    const next = this.#next[conn]!;
    const previous = this.#previous[conn]!;
    if (previous === NONE) this.first[list] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.last[list] = previous;
    else this.#previous[next] = previous;
    this.size[list]!--;
  }
}

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}

/** The idle connections of all workers. A *host* is one destination of one worker. */
export class SimulatedPool {
  readonly #ofHost: Lists;
  readonly #ofWorker: Lists;
  readonly #idleOfDestination: Int32Array;
  #idle = 0;
  #host = new Int32Array(64);
  #uses = new Int32Array(64);
  #idleSince = new Float64Array(64);
  #unused = new Int32Array(64);
  #unusedSize = 0;
  #conns = 0;

  /** Connections that stand, by host. */
  readonly standing: Int32Array;

  /** `closed` is told of each connection that the pool closes, by its host. */
  constructor(
    private readonly limits: PoolModel,
    workers: number,
    private readonly destinations: number,
    private readonly closed: (host: number) => void,
  ) {
    this.#ofHost = new Lists(workers * destinations);
    this.#ofWorker = new Lists(workers);
    this.#idleOfDestination = new Int32Array(destinations);
    this.standing = new Int32Array(workers * destinations);
  }

  /** Takes the most recently used idle connection of a host; -1 where none is idle. */
  take(host: number, nowSec: number): number {
    const conn = this.#ofHost.last[host]!;
    if (conn === NONE) return NONE;
    this.#leave(conn);
    // The most recently used of a host is too old: so are all others.
    if (nowSec - this.#idleSince[conn]! >= this.limits.idleTimeoutMs / 1000) {
      this.close(conn);
      return this.take(host, nowSec);
    }
    this.#uses[conn]!++;
    return conn;
  }

  /** A connection that has just been opened, for its first request. */
  open(host: number): number {
    let conn: number;
    if (this.#unusedSize > 0) conn = this.#unused[--this.#unusedSize]!;
    else {
      conn = this.#conns++;
      if (conn === this.#host.length) this.#grow();
    }
    this.#host[conn] = host;
    this.#uses[conn] = 1;
    return conn;
  }

  /** Whether a connection has carried as many requests as it may. */
  isWorn(conn: number): boolean {
    return this.#uses[conn]! >= this.limits.requestLimit;
  }

  /** Counts a request that gets a connection without a time in between. */
  reuse(conn: number): void {
    this.#uses[conn]!++;
  }

  /** Takes back a connection that was opened and carried nothing. */
  neverUsed(conn: number): void {
    this.#uses[conn] = 0;
  }

  /** The host of a connection. */
  hostOf(conn: number): number {
    return this.#host[conn]!;
  }

  /** Puts a connection through the two gates. */
  put(conn: number, nowSec: number): void {
    const host = this.#host[conn]!;
    const destination = host % this.destinations;
    const worker = (host - destination) / this.destinations;
    const { perHost, total, together, idleTimeoutMs } = this.limits;
    this.#expire(worker, nowSec - idleTimeoutMs / 1000);
    if ((together ? this.#idleOfDestination[destination]! : this.#ofHost.size[host]!) >= perHost) {
      return this.close(conn);
    }
    this.#idleSince[conn] = nowSec;
    this.#ofHost.push(host, conn);
    this.#ofWorker.push(worker, conn);
    this.#idleOfDestination[destination]!++;
    this.#idle++;
    if ((together ? this.#idle : this.#ofWorker.size[worker]!) > total) {
      const oldest = this.#ofWorker.first[worker]!;
      this.#leave(oldest);
      this.close(oldest);
    }
  }

  /** Closes a connection that is not idle. */
  close(conn: number): void {
    const host = this.#host[conn]!;
    this.standing[host]!--;
    if (this.#unusedSize === this.#unused.length) this.#unused = grown(this.#unused, this.#unusedSize * 2);
    this.#unused[this.#unusedSize++] = conn;
    this.closed(host);
  }

  #expire(worker: number, sinceSec: number): void {
    for (let conn = this.#ofWorker.first[worker]!; conn !== NONE; conn = this.#ofWorker.first[worker]!) {
      if (this.#idleSince[conn]! > sinceSec) return;
      this.#leave(conn);
      this.close(conn);
    }
  }

  #leave(conn: number): void {
    const host = this.#host[conn]!;
    const destination = host % this.destinations;
    this.#ofHost.remove(host, conn);
    this.#ofWorker.remove((host - destination) / this.destinations, conn);
    this.#idleOfDestination[destination]!--;
    this.#idle--;
  }

  #grow(): void {
    const length = this.#host.length * 2;
    this.#host = grown(this.#host, length);
    this.#uses = grown(this.#uses, length);
    this.#ofHost.grow(length);
    this.#ofWorker.grow(length);
    const since = new Float64Array(length);
    since.set(this.#idleSince);
    this.#idleSince = since;
  }
}

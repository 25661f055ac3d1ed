/**
 * The requests of a simulation, in typed arrays.
 *
 * @module
 */

/** A request that nothing is done for now. */
export const RESTING = 0;
/** A request that waits for a connection. */
export const WAITING = 1;
/** A request that has a connection. */
export const HOLDING = 2;

/** A ticket is a request's number and how often that number was used, in one. */
const MOST = 2 ** 22;

/** Requests by number. A number of a closed loop is that of its client, and is used again and again. */
export class Requests {
  /** One of {@linkcode RESTING}, {@linkcode WAITING}, {@linkcode HOLDING}. */
  state: Uint8Array;
  /** The connection that it has; -1 for none. */
  conn: Int32Array;
  /** The worker that it came to. */
  worker: Uint16Array;
  /** When it came, in seconds. */
  since: Float64Array;
  /** When it got its connection, in seconds. */
  heldSince: Float64Array;
  #uses: Uint32Array;
  readonly #unused: number[] = [];
  #count: number;

  /** So many numbers are taken at the beginning. */
  constructor(count: number) {
    const length = Math.max(1024, count);
    this.state = new Uint8Array(length);
    this.conn = new Int32Array(length).fill(-1);
    this.worker = new Uint16Array(length);
    this.since = new Float64Array(length);
    this.heldSince = new Float64Array(length);
    this.#uses = new Uint32Array(length);
    this.#count = count;
  }

  /** A number for one more request. */
  begin(): number {
    const unused = this.#unused.pop();
    if (unused !== undefined) return unused;
    if (this.#count === MOST) throw new RangeError(`more than ${MOST} requests at a time`);
    if (this.#count === this.state.length) this.#grow();
    return this.#count++;
  }

  /** A request that has its answer; its number may be used again. */
  end(request: number): void {
    this.#unused.push(request);
  }

  /** A request comes to a worker. */
  arrive(request: number, worker: number, sec: number): void {
    this.state[request] = RESTING;
    this.conn[request] = -1;
    this.worker[request] = worker;
    this.since[request] = sec;
    this.#uses[request]!++;
  }

  /** A request waits for a connection. Returns its ticket. */
  wait(request: number): number {
    this.state[request] = WAITING;
    return this.#uses[request]! * MOST + request;
  }

  /** A request gets a connection. */
  hold(request: number, conn: number, sec: number): void {
    this.state[request] = HOLDING;
    this.conn[request] = conn;
    this.heldSince[request] = sec;
  }

  /** The request of a ticket; -1 where its number has been used again since. */
  ofTicket(ticket: number): number {
    const request = ticket % MOST;
    return Math.floor(ticket / MOST) === this.#uses[request] ? request : -1;
  }

  #grow(): void {
    const length = this.state.length * 2;
    const longer = <A extends { set(from: A): void }>(array: A, into: A): A => (into.set(array), into);
    this.state = longer(this.state, new Uint8Array(length));
    this.conn = longer(this.conn, new Int32Array(length).fill(-1));
    this.worker = longer(this.worker, new Uint16Array(length));
    this.since = longer(this.since, new Float64Array(length));
    this.heldSince = longer(this.heldSince, new Float64Array(length));
    this.#uses = longer(this.#uses, new Uint32Array(length));
  }
}

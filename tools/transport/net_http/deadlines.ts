/**
 * Many deadlines of the same length with one timer. To start or stop a deadline is only to note a time,
 * because most deadlines are started for every request and next to none ever expires.
 *
 * @module
 */

import { Ring, type RingNode } from "../pool/ring.ts";

const STOPPED = Infinity;
/** Timer ticks in the length of a deadline: a deadline expires late by at most one tick. */
const CHECKS_PER_TIMEOUT = 8;

/** One deadline, which can be started again and again. It belongs to one {@linkcode Deadlines}. */
export class Deadline {
  /**
   * When the deadline expires, on the clock of `performance.now()`, in milliseconds; `Infinity` while it is
   * stopped.
   */
  dueMs = STOPPED;
  /**
   * The deadline's place in the ring of those that the timer checks. A stopped deadline leaves the ring at
   * the next check.
   */
  readonly node: RingNode<Deadline> = Ring.node(this);

  /** Makes a deadline of `deadlines` without starting it. Calls `expire` when its time is over. */
  constructor(readonly deadlines: Deadlines, readonly expire: () => void) {}

  /** Starts the deadline, or starts it anew. */
  start(): void {
    this.deadlines.start(this);
  }

  /** Stops the deadline. */
  stop(): void {
    this.dueMs = STOPPED;
  }
}

/** Deadlines that all have the same length. */
export class Deadlines implements Disposable {
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #checked = new Ring<Deadline>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Makes deadlines that expire `timeoutMs` after their start; 0 means never. When they are started `now`
   * tells, which is a cheaper `performance.now()`.
   */
  constructor(timeoutMs: number, now: () => number = () => performance.now()) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  /** Starts a deadline, or starts it anew. */
  start(deadline: Deadline): void {
    if (this.#timeoutMs === 0) return;
    deadline.dueMs = this.#now() + this.#timeoutMs;
    if (deadline.node.ring !== undefined) return;
    this.#checked.push(deadline.node);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(this.#check, Math.min(this.#timeoutMs / CHECKS_PER_TIMEOUT, 2 ** 31 - 1));
    Deno.unrefTimer(this.#timer);
  }

  /** Stops all of them. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    while (this.#checked.first !== undefined) this.#checked.remove(this.#checked.first);
  }

  readonly #check = (): void => {
    const now = performance.now();
    for (let node = this.#checked.first; node !== undefined;) {
      const { item, next } = node;
      if (item.dueMs === STOPPED) this.#checked.remove(node);
      else if (item.dueMs <= now) {
        this.#checked.remove(node);
        item.dueMs = STOPPED;
        item.expire();
      }
      node = next;
    }
    if (this.#checked.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  };
}

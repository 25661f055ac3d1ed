/**
 * Many deadlines of the same length with one timer. Starting and stopping one is no more than noting a time, because most of them are
 * started for every request and next to none is ever over.
 *
 * @module
 */

import { Ring, type RingNode } from "../pool/ring.ts";

const STOPPED = Infinity;
/** A deadline is noticed by at most this part of its length too late. */
const CHECKS_PER_TIMEOUT = 8;

/** Something that must not take too long. It belongs to one {@linkcode Deadlines}. */
export class Deadline {
  /** When it is over, in milliseconds since 1970. */
  dueMs = STOPPED;
  /** Its place among those that are checked; a stopped one leaves it at the next check. */
  readonly node: RingNode<Deadline> = Ring.node(this);

  /** A deadline of `deadlines`, not started. Calls `expire` when its time is over. */
  constructor(readonly deadlines: Deadlines, readonly expire: () => void) {}

  /** Starts it, or starts it anew. */
  start(): void {
    this.deadlines.start(this);
  }

  /** Takes it back. */
  stop(): void {
    this.dueMs = STOPPED;
  }
}

/** Deadlines that are all the same time ahead. */
export class Deadlines implements Disposable {
  readonly #timeoutMs: number;
  readonly #checked = new Ring<Deadline>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Deadlines of `timeoutMs` from their start. 0 is no deadline. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Starts a deadline, or starts it anew. */
  start(deadline: Deadline): void {
    if (this.#timeoutMs === 0) return;
    deadline.dueMs = performance.now() + this.#timeoutMs;
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

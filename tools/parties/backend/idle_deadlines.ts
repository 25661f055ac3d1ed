/**
 * When idle connections are to be ended: one timer for all, because all may be idle for the same time.
 *
 * @module
 */

import { Ring, type RingNode } from "../../transport/pool/ring.ts";

/** A connection that may be idle for so long. */
export class IdleDeadline {
  /** Its place among those that are idle. */
  readonly node: RingNode<IdleDeadline> = Ring.node(this);
  /** When it expires, by `performance.now()`. */
  dueMs = 0;

  /** @param expire called when its time is over. */
  constructor(readonly expire: () => void) {}
}

/** The deadlines of all connections of a backend. They expire in the order in which they were started. */
export class IdleDeadlines implements Disposable {
  readonly #idle = new Ring<IdleDeadline>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param timeoutMs how long a connection may be idle. */
  constructor(readonly timeoutMs: number) {}

  /** Starts a deadline, which is not running. */
  start(deadline: IdleDeadline): void {
    deadline.dueMs = performance.now() + this.timeoutMs;
    this.#idle.push(deadline.node);
    this.#timer ??= setTimeout(this.#check, this.timeoutMs);
  }

  /** Stops a deadline; one that does not run is left alone. */
  stop(deadline: IdleDeadline): void {
    this.#idle.remove(deadline.node);
  }

  /** Stops all of them. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  readonly #check = (): void => {
    const now = performance.now();
    for (let { first } = this.#idle; first !== undefined && first.item.dueMs <= now; { first } = this.#idle) {
      this.#idle.remove(first);
      first.item.expire();
    }
    const next = this.#idle.first;
    this.#timer = next && setTimeout(this.#check, Math.ceil(next.item.dueMs - now));
  };
}

/**
 * Many deadlines of the same length with one timer: starting and stopping one takes constant time and no system call.
 *
 * @module
 */

import { Ring, type RingNode } from "./ring.ts";

/** Something that must not take too long. It has at most one deadline at a time. */
export class Deadline {
  /** When it is over, in milliseconds since 1970. */
  dueMs = 0;
  readonly node: RingNode<Deadline> = Ring.node(this);
  /** Calls `expire` when its time is over. */
  constructor(readonly expire: () => void) {}

  /** Takes it back, from wherever it was started. */
  stop(): void {
    this.node.ring?.remove(this.node);
  }
}

/** Deadlines that are all the same time ahead. */
export class Deadlines implements Disposable {
  readonly #timeoutMs: number;
  readonly #running = new Ring<Deadline>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Deadlines of `timeoutMs` from their start. 0 is no deadline. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Starts a deadline; one that runs already, here or elsewhere, starts anew. */
  start(deadline: Deadline): void {
    deadline.stop();
    if (this.#timeoutMs === 0) return;
    deadline.dueMs = Date.now() + this.#timeoutMs;
    this.#running.push(deadline.node);
    if (this.#timer === undefined) this.#arm(this.#timeoutMs);
  }

  /** Stops all of them. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    while (this.#running.first !== undefined) this.#running.remove(this.#running.first);
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(this.#check, Math.min(delayMs, 2 ** 31 - 1));
    Deno.unrefTimer(this.#timer);
  }

  readonly #check = (): void => {
    this.#timer = undefined;
    const now = Date.now();
    for (let node = this.#running.first; node !== undefined; node = this.#running.first) {
      const leftMs = node.item.dueMs - now;
      if (leftMs > 0) return this.#arm(leftMs);
      this.#running.remove(node);
      node.item.expire();
    }
  };
}

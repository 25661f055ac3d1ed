/**
 * The queue of a simulation's events: a heap in typed arrays, which allocates nothing for an event.
 *
 * @module
 */

/** Children of a node. Four make the heap flat, so that fewer cache lines are touched than with two. */
const WIDTH = 4;

/** Events by their times; those of one time come out in the order in which they went in. */
export class EventQueue {
  #times = new Float64Array(1024);
  #order = new Float64Array(1024);
  #events = new Int32Array(1024);
  #size = 0;
  #pushed = 0;

  /** The time of the event that came out last. */
  time = 0;

  /** Number of events that wait. */
  get size(): number {
    return this.#size;
  }

  /** Adds an event, a whole number of 32 bits. */
  push(time: number, event: number): void {
    if (this.#size === this.#events.length) this.#grow();
    const order = this.#pushed++;
    const times = this.#times;
    let at = this.#size++;
    while (at > 0) {
      const parent = Math.floor((at - 1) / WIDTH);
      if (times[parent]! <= time) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, time, order, event);
  }

  /** Takes the next event out; -1 where there is none. */
  pop(): number {
    if (this.#size === 0) return -1;
    const event = this.#events[0]!;
    this.time = this.#times[0]!;
    const last = --this.#size;
    if (last > 0) this.#sink(this.#times[last]!, this.#order[last]!, this.#events[last]!);
    return event;
  }

  #sink(time: number, order: number, event: number): void {
    const times = this.#times;
    const orders = this.#order;
    const size = this.#size;
    let at = 0;
    for (;;) {
      const first = at * WIDTH + 1;
      if (first >= size) break;
      const end = Math.min(first + WIDTH, size);
      let least = first;
      for (let child = first + 1; child < end; child++) {
        const earlier = times[child]! - times[least]! || orders[child]! - orders[least]!;
        if (earlier < 0) least = child;
      }
      if ((times[least]! - time || orders[least]! - order) >= 0) break;
      this.#move(least, at);
      at = least;
    }
    this.#set(at, time, order, event);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#order[from]!, this.#events[from]!);
  }

  #set(at: number, time: number, order: number, event: number): void {
    this.#times[at] = time;
    this.#order[at] = order;
    this.#events[at] = event;
  }

  #grow(): void {
    const length = this.#events.length * 2;
    const times = new Float64Array(length);
    times.set(this.#times);
    this.#times = times;
    const order = new Float64Array(length);
    order.set(this.#order);
    this.#order = order;
    const events = new Int32Array(length);
    events.set(this.#events);
    this.#events = events;
  }
}

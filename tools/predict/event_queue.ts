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
    const times = this.#times;
    const orders = this.#order;
    const events = this.#events;
    let at = this.#size++;
    while (at > 0) {
      const parent = Math.floor((at - 1) / WIDTH);
      const later = times[parent]!;
      if (later <= time) break;
      times[at] = later;
      orders[at] = orders[parent]!;
      events[at] = events[parent]!;
      at = parent;
    }
    times[at] = time;
    orders[at] = this.#pushed++;
    events[at] = event;
  }

  /** Takes the next event out; -1 where there is none. */
  pop(): number {
    if (this.#size === 0) return -1;
    const event = this.#events[0]!;
    this.time = this.#times[0]!;
    if (--this.#size > 0) this.#sinkLast();
    return event;
  }

  /** Puts the event behind the last one at the top, and lets it sink to its place. */
  #sinkLast(): void {
    const times = this.#times;
    const orders = this.#order;
    const events = this.#events;
    const size = this.#size;
    const time = times[size]!;
    const order = orders[size]!;
    let at = 0;
    for (let first = 1; first < size; first = at * WIDTH + 1) {
      const end = Math.min(first + WIDTH, size);
      let least = first;
      let earliest = times[first]!;
      for (let child = first + 1; child < end; child++) {
        const other = times[child]!;
        if (other < earliest || (other === earliest && orders[child]! < orders[least]!)) {
          least = child;
          earliest = other;
        }
      }
      if (time < earliest || (time === earliest && order < orders[least]!)) break;
      times[at] = earliest;
      orders[at] = orders[least]!;
      events[at] = events[least]!;
      at = least;
    }
    times[at] = time;
    orders[at] = order;
    events[at] = events[size]!;
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

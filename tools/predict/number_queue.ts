/**
 * A queue of numbers in one array, which allocates only when it grows.
 *
 * @module
 */

/** First in, first out. */
export class NumberQueue {
  #items = new Float64Array(16);
  #first = 0;

  /** How many wait. */
  size = 0;

  /** Adds a number at the end. */
  push(item: number): void {
    if (this.size === this.#items.length) this.#grow();
    this.#items[(this.#first + this.size++) & (this.#items.length - 1)] = item;
  }

  /** The first number; `NaN` where there is none. */
  peek(): number {
    return this.size === 0 ? NaN : this.#items[this.#first]!;
  }

  /** Takes the first number out; `NaN` where there is none. */
  shift(): number {
    if (this.size === 0) return NaN;
    const item = this.#items[this.#first]!;
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.size--;
    return item;
  }

  /** The length stays a power of two, so that a mask wraps around. */
  #grow(): void {
    const items = new Float64Array(this.#items.length * 2);
    const head = this.#items.subarray(this.#first);
    items.set(head);
    items.set(this.#items.subarray(0, this.#first), head.length);
    this.#items = items;
    this.#first = 0;
  }
}

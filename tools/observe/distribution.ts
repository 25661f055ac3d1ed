/**
 * Distributions: how a figure is spread over connections, from a tally of its values.
 *
 * @module
 */

import type { Distribution } from "./witness.ts";

/** How many values {@linkcode Distribution.most} names at most. */
const MOST_VALUES = 16;

/** How often each value has come. It is as large as the values are various, however many there were. */
export class Tally {
  readonly #counts = new Map<number, number>();

  /** Counts a value. */
  add(value: number): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  /**
   * How the values are spread. A percentile is the smallest value that has at least that share of all values
   * at or below it.
   */
  distribution(): Distribution {
    const ascending = [...this.#counts].toSorted(([a], [b]) => a - b);
    const all = ascending.reduce((sum, [, count]) => sum + count, 0);
    const percentile = (percent: number) => {
      let below = 0;
      for (const [value, count] of ascending) {
        below += count;
        if (below * 100 >= all * percent) return value;
      }
      return 0;
    };
    const sum = ascending.reduce((sum, [value, count]) => sum + value * count, 0);
    return {
      min: percentile(0),
      p5: percentile(5),
      p50: percentile(50),
      p95: percentile(95),
      max: percentile(100),
      mean: all === 0 ? 0 : sum / all,
      most: ascending.toSorted(([, a], [, b]) => b - a).slice(0, MOST_VALUES)
        .map(([value, connections]) => ({ value, connections })),
    };
  }
}

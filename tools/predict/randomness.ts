/**
 * Random numbers that a seed repeats.
 *
 * @module
 */

import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Random numbers. */
export class Randomness {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  /** The same seed, a whole number of 32 bits, gives the same numbers. */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** At least 0, less than 1. */
  uniform(): number {
    return (this.#generator.next() >>> 0) / 2 ** 32;
  }

  /** From half of the mean to one and a half of it. */
  around(mean: number): number {
    return mean === 0 ? 0 : mean * (0.5 + this.uniform());
  }

  /** Exponentially distributed. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /**
   * Off the mean by at most a share of it, each amount as likely as the other; or exponentially distributed.
   */
  spread(mean: number, spread: number | "exponential"): number {
    return spread === "exponential" ? this.exponential(mean) : mean * (1 + spread * (2 * this.uniform() - 1));
  }
}

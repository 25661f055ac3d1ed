/**
 * Random numbers for simulated benches, the same in each run of the tests.
 *
 * @module
 */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Uniform numbers from 0 to 1, and normal ones of mean 0 and deviation 1 (Box and Muller's). */
export function normalRandom(seed: number): { uniform(): number; normal(): number } {
  const random = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(random);
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

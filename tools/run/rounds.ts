/**
 * The order in which repetitions are measured, and when there are enough of them.
 *
 * @module
 */

import type { ScenarioPlan } from "../scenario/plan.ts";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { compareWithBaseline, type Comparison } from "../verdict/comparison.ts";
import { type Results } from "../results/results.ts";

/** A seed for {@linkcode shuffledRounds}: a whole number of 32 bits. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Int32Array(1))[0]!;
}

/**
 * Rounds without end: in each, every run once, in an order drawn anew, so that neither drift nor what one run leaves
 * behind for the next favours any. The same seed gives the same orders.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shuffledRounds } from "./rounds.ts";
 *
 * const [first] = shuffledRounds(["direct", "pool-100", "pool-1000"], 42);
 * assertEquals([...first!].sort(), ["direct", "pool-100", "pool-1000"]);
 * ```
 */
export function* shuffledRounds<T>(runs: readonly T[], seed: number): Generator<readonly T[], never> {
  const random = xoroshiro128plus(seed);
  for (;;) {
    const round = [...runs];
    for (let i = round.length - 1; i > 0; i--) {
      const j = uniformInt(random, 0, i);
      [round[i], round[j]] = [round[j]!, round[i]!];
    }
    yield round;
  }
}

/**
 * Whether every comparison is as precise as asked. It looks at how wide the intervals are and not at where they lie,
 * so that looking after each round does not favour either outcome.
 */
export function isPrecise(results: Pick<Results, "runs" | "seed">, width: number): boolean {
  return arePrecise([...compareWithBaseline(results).values()], width);
}

/** As {@linkcode isPrecise}, of comparisons that were made already. */
export function arePrecise(comparisons: readonly Comparison[], width: number): boolean {
  return comparisons.length > 0 &&
    comparisons.every(({ ratio, verdict }) =>
      ratio !== undefined && verdict !== "too few repetitions" && ratio.high - ratio.low < width
    );
}

/**
 * The A/A check of a scenario: its baseline under two names. Whatever difference is shown between them is a false
 * alarm, to be expected in at most one check of twenty.
 */
export function selfCheckOf(scenario: ScenarioPlan): ScenarioPlan {
  const { name, options } = scenario.runs.find((run) => run.baseline)!;
  return {
    ...scenario,
    question: `Self-check: is a difference shown where there is none? ${name}, measured under two names.`,
    expectation: "No difference is shown. One check in twenty may show one.",
    runs: [{ name: `${name}-a`, baseline: true, options }, { name: `${name}-b`, baseline: false, options }],
  };
}

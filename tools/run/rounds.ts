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
 * Rounds without end. Each round holds every run once, in a new random order, so that neither a drift of the
 * machine nor what one run leaves behind for the next favours any of them. The same seed gives the same
 * orders.
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
 * Whether every comparison with the baseline has an interval narrower than `width`. Only the width of the
 * intervals counts, and not where they lie, so that checking after each round favours neither outcome.
 */
export function isPrecise(results: Pick<Results, "runs" | "method">, width: number): boolean {
  return arePrecise([...compareWithBaseline(results).values()], width);
}

/** Does the same as {@linkcode isPrecise} with comparisons that were made already. */
export function arePrecise(comparisons: readonly Comparison[], width: number): boolean {
  return comparisons.some(({ ratio }) => ratio !== undefined) &&
    comparisons.every(({ ratio, verdict }) =>
      verdict === "not measured" ||
      ratio !== undefined && verdict !== "too few repetitions" && ratio.high - ratio.low < width
    );
}

/**
 * The A/A check of a scenario: its baseline under two names. A difference shown between the two is a false
 * alarm, which at most one check in twenty should raise.
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

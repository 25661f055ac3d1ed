/**
 * Prints what simulated benches show, by noise model: how often there is a false alarm, how often the
 * interval holds the truth, and how often a true loss of 5% is found.
 *
 * ```sh
 * deno run tests/support/print_power.ts
 * ```
 *
 * @module
 */

import { compareValues } from "../../tools/verdict/comparison.ts";
import { NOISE_MODELS, normalRandom, simulateBench } from "./simulation.ts";

const BENCHES = 1000;
const percent = (count: number, of: number) => `${(100 * count / of).toFixed(1)}%`;

console.log("| noise | rounds | compared | false alarms | interval holds the truth | loss of 5% found |");
console.log("| ----- | -----: | -------: | -----------: | -----------------------: | ---------------: |");
for (const [rounds, compared] of [[6, 1], [7, 2], [8, 3], [10, 2], [13, 2], [20, 2]] as const) {
  for (const model of Object.keys(NOISE_MODELS)) {
    const random = normalRandom(1);
    const compare = (truth: number) =>
      compareValues(simulateBench(model, random, [1, ...Array<number>(compared).fill(truth)], rounds));
    let [alarms, held, found] = [0, 0, 0];
    for (let bench = 0; bench < BENCHES; bench++) {
      if (compare(1).some(({ verdict }) => verdict !== "no difference shown")) alarms++;
      const losses = compare(0.95);
      held += losses.filter(({ ratio }) => ratio!.low <= 0.95 && 0.95 <= ratio!.high).length;
      found += losses.filter(({ verdict }) => verdict === "lower").length;
    }
    const all = BENCHES * compared;
    const figures = [percent(alarms, BENCHES), percent(held, all), percent(found, all)];
    console.log(`| ${[model, rounds, compared, ...figures].join(" | ")} |`);
  }
}

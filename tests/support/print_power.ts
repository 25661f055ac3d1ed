/**
 * Prints what simulated benches show, by noise model: how often there is a false alarm, how often the
 * interval holds the truth, and how often a true loss of 5% is found. Then the same of benches that decide
 * (`--decide`), and after how many rounds.
 *
 * ```sh
 * deno run tests/support/print_power.ts
 * ```
 *
 * @module
 */

import { compareValues, decideValues } from "../../tools/verdict/comparison.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { decideGates } from "../../tools/verdict/gate_decisions.ts";
import { LAST_LOOK } from "../../tools/verdict/looks.ts";
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

/** The round in the middle; `LAST_LOOK + 1` stands for none. */
function medianRound(decided: readonly (number | null | undefined)[]): string {
  const rounds = decided.map((round) => round ?? LAST_LOOK + 1).sort((a, b) => a - b);
  const middle = rounds[Math.floor(rounds.length / 2)]!;
  return middle > LAST_LOOK ? `over ${LAST_LOOK}` : String(middle);
}

const GATE = parseGate("requestsPerSec>=-5%");
console.log(
  "\nTo decide: the median round after which a true loss of 5%, or a gate of -5% on no loss, is decided.\n",
);
console.log(
  "| noise | compared | false alarms | interval holds the truth | loss of 5% found | round | gate wrongly holds | gate holds | round |",
);
console.log("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
for (const compared of [1, 2, 6]) {
  for (const model of Object.keys(NOISE_MODELS)) {
    const random = normalRandom(1);
    const bench = (truth: number) =>
      simulateBench(model, random, [1, ...Array<number>(compared).fill(truth)], LAST_LOOK);
    const gated = (truth: number) =>
      decideGates(
        bench(truth).map(({ baseline, candidate }) => ({
          gate: GATE,
          run: "",
          values: candidate,
          against: baseline,
          paired: true,
        })),
      );
    const times = <T>(make: () => T) => Array.from({ length: BENCHES }, make);
    const alarms = times(() => decideValues(bench(1)).some(({ decidedAfter }) => decidedAfter !== null));
    const losses = times(() => decideValues(bench(0.95))).flat();
    const held = losses.filter(({ ratio }) => ratio!.low <= 0.95 && 0.95 <= ratio!.high).length;
    const found = losses.filter(({ verdict }) => verdict === "lower").length;
    const wrong = times(() => gated(0.95)).flat().filter(({ verdict }) => verdict === "holds").length;
    const holds = times(() => gated(1)).flat();
    const all = BENCHES * compared;
    const figures = [
      percent(alarms.filter(Boolean).length, BENCHES),
      percent(held, all),
      percent(found, all),
      medianRound(losses.map(({ decidedAfter }) => decidedAfter)),
      percent(wrong, all),
      percent(holds.filter(({ verdict }) => verdict === "holds").length, all),
      medianRound(holds.map(({ decidedAfter }) => decidedAfter)),
    ];
    console.log(`| ${[model, compared, ...figures].join(" | ")} |`);
  }
}

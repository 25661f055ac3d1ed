import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { resultsOf } from "../support/made_up_results.ts";
import { NOISE_MODELS, normalRandom, simulateBench } from "../support/simulation.ts";
import {
  compareValues,
  compareWithBaseline,
  defaultRepetitions,
  repetitionsNeeded,
} from "../../tools/verdict/comparison.ts";

const BASELINE = [100, 101, 102, 99, 98, 100, 103];
const slower = (n: number) => {
  const baseline = BASELINE.slice(0, n);
  return { baseline, candidate: baseline.map((value, i) => value * (0.9 + i / 1000)), paired: true };
};

Deno.test("a difference that every round shows is shown from 6 rounds on for one comparison, 7 for two", () => {
  assertEquals(compareValues([slower(6)])[0]!.verdict, "lower");
  assertEquals(compareValues([slower(5)])[0]!.verdict, "too few repetitions");
  assertEquals(compareValues([slower(7), slower(7)]).map(({ verdict }) => verdict), ["lower", "lower"]);
  const few = compareValues([slower(6), slower(6)]);
  assertEquals(few.map(({ verdict, repetitionsNeeded }) => [verdict, repetitionsNeeded]), [
    ["too few repetitions", 7],
    ["too few repetitions", 7],
  ]);
});

Deno.test("too few repetitions have an interval, with the confidence that it has", () => {
  const [comparison] = compareValues([slower(2)]);
  assertEquals(comparison!.ratio!.confidence, 0.5);
  assertEquals(compareValues([{ ...slower(2), paired: false }])[0]!.ratio!.confidence, 1 - 2 / 6);
});

Deno.test("the default repetitions are 6 for one comparison, 7 for two, 8 for three to six, and enough for more", () => {
  assertEquals([0, 1, 2, 3, 4, 6, 7, 12].map((count) => defaultRepetitions(count)), [6, 6, 7, 8, 8, 8, 9, 9]);
  assertEquals([1, 2].map((count) => defaultRepetitions(count, { until: true })), [7, 8]);
  for (let count = 1; count < 50; count++) {
    assertGreaterOrEqual(defaultRepetitions(count), repetitionsNeeded(count));
  }
});

Deno.test("runs that were not measured take nothing from the others, nor does one that was measured too rarely", () => {
  const none = { baseline: [], candidate: [], paired: true };
  const comparisons = compareValues([slower(6), none, none, none, none, none, none]);
  assertEquals(comparisons.map(({ verdict }) => verdict), ["lower", ...Array(6).fill("not measured")]);
  const rare = compareValues([slower(7), slower(3), slower(7)]);
  assertEquals(rare.map(({ verdict }) => verdict), ["lower", "too few repetitions", "lower"]);
});

Deno.test("the test of the rounds sees a small difference under a large drift", () => {
  const baseline = [100, 120, 80, 95, 140, 110, 70, 130];
  const candidate = baseline.map((value, i) => value * (0.97 + 0.001 * i));
  const [comparison] = compareValues([{ baseline, candidate, paired: true }]);
  assertEquals([comparison!.test, comparison!.verdict], ["signed-rank", "lower"]);
  const [unpaired] = compareValues([{ baseline, candidate, paired: false }]);
  assertEquals([unpaired!.test, unpaired!.verdict], ["mann-whitney", "no difference shown"]);
});

Deno.test("a round in which the baseline served nothing compares nothing, and the others still do", () => {
  const results = resultsOf({ direct: [0, 100, 101, 99, 100, 102, 98], pool: [50, 50, 51, 50, 49, 51, 50] });
  const comparison = compareWithBaseline(results).get("pool")!;
  assertEquals([comparison.verdict, comparison.repetitions], ["lower", 6]);
});

Deno.test("a run that served nothing in a round is lower, without a crash", () => {
  const [comparison] = compareValues([{ ...slower(6), candidate: [0, 0, 1, 0, 2, 0] }]);
  assertEquals([comparison!.verdict, comparison!.ratio!.estimate], ["lower", 0]);
});

const BENCHES = 1000;
/** Three standard deviations of how often 5% of the benches come up. */
const CHANCE = 3 * Math.sqrt(0.05 * 0.95 * BENCHES);

for (const model of Object.keys(NOISE_MODELS)) {
  for (const [repetitions, comparisons] of [[6, 1], [7, 2], [13, 2]] as const) {
    Deno.test(`simulated, ${model}: ${repetitions} rounds, ${comparisons} compared, raise at most 5% of false alarms; verdict and interval agree; the interval holds the truth in 94% or more`, () => {
      const random = normalRandom(20_261_122);
      for (const truth of [1, 0.95]) {
        const truths = [1, ...Array<number>(comparisons).fill(truth)];
        let [alarms, held] = [0, 0];
        for (let bench = 0; bench < BENCHES; bench++) {
          const compared = compareValues(simulateBench(model, random, truths, repetitions));
          for (const { verdict, ratio, p, level } of compared) {
            const shown = verdict === "higher" || verdict === "lower";
            assertEquals(shown, p <= level);
            assertEquals(shown, ratio!.low > 1 || ratio!.high < 1);
            if (ratio!.low <= truth && truth <= ratio!.high) held += 1 / comparisons;
          }
          if (compared.some(({ verdict }) => verdict !== "no difference shown")) alarms++;
        }
        if (truth === 1) assertLessOrEqual(alarms, 0.05 * BENCHES + CHANCE, `${alarms} of ${BENCHES}`);
        assertGreaterOrEqual(held, 0.94 * BENCHES, `${held} of ${BENCHES}`);
      }
    });
  }
}

Deno.test("two true losses of 5% are found in half of the simulated benches of 7 rounds under a drift of 20%", () => {
  const random = normalRandom(3);
  let found = 0;
  for (let bench = 0; bench < BENCHES; bench++) {
    const compared = compareValues(simulateBench("drift", random, [1, 0.95, 0.95], 7));
    found += compared.filter(({ verdict }) => verdict === "lower").length / 2;
  }
  assert(found >= 0.5 * BENCHES, `${found} of ${BENCHES}`);
});

Deno.test("--until tests at half the level, because it chooses when to stop", () => {
  const { runs } = resultsOf({ direct: BASELINE.slice(0, 6), pool: slower(6).candidate });
  const until = { width: 0.05, maxTimeMs: 1 };
  const verdictOf = (until: { width: number; maxTimeMs: number } | null) =>
    compareWithBaseline({ runs, method: { until } }).get("pool")!.verdict;
  assertEquals([verdictOf(null), verdictOf(until)], ["lower", "too few repetitions"]);
});

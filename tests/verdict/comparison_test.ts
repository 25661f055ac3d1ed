import { assert, assertEquals, assertLess } from "@std/assert";
import { resultsOf } from "../support/made_up_results.ts";
import { normalRandom } from "../support/simulation.ts";
import {
  compareValues,
  compareWithBaseline,
  repetitionsNeeded,
  type Verdict,
} from "../../tools/verdict/comparison.ts";
import type { ComparedValues } from "../../tools/verdict/intervals.ts";

Deno.test("a difference that every repetition shows is shown from 5 repetitions on, with two comparisons", () => {
  const slower = [{ baseline: [100, 101, 102, 99, 98], candidate: [90, 91, 92, 89, 88], paired: true }];
  const [one, other] = compareValues([...slower, ...slower], { seed: 1 });
  assertEquals([one!.verdict, one!.test], ["lower", "mann-whitney"]);
  assertEquals(other!.verdict, "lower");
  assert(one!.ratio!.high < 1);
});

Deno.test("too few repetitions to ever show a difference are called that, with how many would do", () => {
  const [only] = compareValues([{ baseline: [100, 101, 102], candidate: [1, 2, 3], paired: true }], {
    seed: 1,
  });
  assertEquals(only!.verdict, "too few repetitions");
  assertEquals(only!.repetitionsNeeded, 4);
  assertEquals([1, 2, 6, 7].map(repetitionsNeeded), [4, 5, 5, 6]);
});

Deno.test("with pairs enough the test is that of pairs, which sees a small difference under a large drift", () => {
  const baseline = [100, 120, 80, 95, 140, 110, 70, 130];
  const candidate = baseline.map((value, i) => value * (0.97 + 0.001 * i));
  const [comparison] = compareValues([{ baseline, candidate, paired: true }], { seed: 1 });
  assertEquals([comparison!.test, comparison!.verdict], ["signed-rank", "lower"]);
  const [unpaired] = compareValues([{ baseline, candidate, paired: false }], { seed: 1 });
  assertEquals([unpaired!.test, unpaired!.verdict], ["mann-whitney", "no difference shown"]);
});

Deno.test("a round in which the baseline served nothing compares nothing, and the others still do", () => {
  const results = resultsOf({ direct: [0, 100, 101, 99, 100, 102], pool: [50, 50, 51, 50, 49, 51] });
  const comparison = compareWithBaseline(results).get("pool")!;
  assertEquals([comparison.verdict, comparison.ratio!.estimate], ["lower", 0.5]);
});

Deno.test("a run that measured nothing is too few, not a crash", () => {
  const [comparison] = compareValues([{ baseline: [], candidate: [], paired: true }], { seed: 1 });
  assertEquals([comparison!.verdict, comparison!.ratio], ["too few repetitions", undefined]);
});

for (const repetitions of [5, 6, 8, 12]) {
  Deno.test(`simulated A/A with ${repetitions} repetitions raises a false alarm in at most 5% of benches`, () => {
    const benches = 1000;
    const alarms = countBenches(benches, repetitions, 1, (verdicts) => verdicts.some(isShown));

    assertLess(alarms, 0.05 * benches, `${alarms} of ${benches}`);
  });
}

Deno.test("a true loss of 5% is found in 24 repetitions by nine benches in ten, under a drift of 20%", () => {
  const benches = 200;
  const found = countBenches(
    benches,
    24,
    0.95,
    (verdicts) => verdicts.every((verdict) => verdict === "lower"),
  );
  assert(found >= 0.9 * benches, `${found} of ${benches}`);
});

function isShown(verdict: Verdict): boolean {
  return verdict === "higher" || verdict === "lower";
}

/**
 * Simulates benches of three runs, two of which are compared with the first and truly have `ratio` of its
 * requests/s. Each repetition has a noise of 3%, one in twenty is disturbed by up to 30%, and the machine
 * drifts by 20%.
 */
function countBenches(
  benches: number,
  repetitions: number,
  ratio: number,
  counts: (verdicts: Verdict[]) => boolean,
): number {
  const { normal, uniform } = normalRandom(20_261_122);
  let counted = 0;
  for (let bench = 0; bench < benches; bench++) {
    const phase = uniform() * 2 * Math.PI;
    const rounds = Array.from({ length: repetitions }, (_, round) => {
      const drift = 1 + 0.1 * Math.sin(phase + round);
      return [1, ratio, ratio].map((truth) => {
        const disturbed = uniform() < 0.05 ? 1 - 0.3 * uniform() : 1;
        return 10_000 * truth * drift * disturbed * Math.exp(0.03 * normal());
      });
    });
    const valuesOf = (run: number) => rounds.map((round) => round[run]!);
    const sets: ComparedValues[] = [1, 2].map((run) => ({
      baseline: valuesOf(0),
      candidate: valuesOf(run),
      paired: true,
    }));
    const verdicts = compareValues(sets, { seed: bench, resamples: 299 }).map(({ verdict }) => verdict);
    if (counts(verdicts)) counted++;
  }
  return counted;
}

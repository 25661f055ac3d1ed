import { TimewaitError } from "../../tools/errors.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { repeatOptionsOf } from "../../tools/cli/repeat_flags.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { parseShare } from "../../tools/cli/values.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import {
  compareValues,
  type Comparison,
  defaultRepetitions,
  FALSE_ALARMS_UNTIL,
} from "../../tools/verdict/comparison.ts";
import { arePrecise, isPrecise, selfCheckOf, shuffledRounds } from "../../tools/run/rounds.ts";
import scenario from "../../scenarios/undersized_pool.ts";
import { NOISE_MODELS, normalRandom, simulatedRounds } from "../support/simulation.ts";
import { resultsOf } from "../support/made_up_results.ts";

const NO_FLAGS = {
  quick: false,
  repeat: undefined,
  until: undefined,
  decide: false,
  maxTime: undefined,
  seed: undefined,
  selfCheck: false,
};

Deno.test("each round holds every run once, and the same seed gives the same orders", () => {
  const take = (seed: number) => {
    const rounds = shuffledRounds(["a", "b", "c"], seed);
    return Array.from({ length: 60 }, () => rounds.next().value.join(""));
  };
  assertEquals(take(5), take(5));
  assert(take(5).join() !== take(6).join());
  const orders = new Map<string, number>();
  for (const order of take(5)) orders.set(order, (orders.get(order) ?? 0) + 1);
  assertEquals([...orders.keys()].sort(), ["abc", "acb", "bac", "bca", "cab", "cba"]);
});

Deno.test("a bench is precise once every interval is narrower than asked", () => {
  const narrow = resultsOf({ a: [100, 100, 100, 100, 100, 100], b: [90, 90.5, 91, 90, 90, 90] });
  assert(isPrecise(narrow, 0.03));
  assert(!isPrecise(narrow, 0.005));
  const wide = resultsOf({
    a: [100, 100, 100, 100, 100, 100, 100],
    b: [90, 90.5, 91, 90, 90, 90, 90],
    c: [50, 60, 70, 80, 90, 50, 60],
  });
  assert(!isPrecise(wide, 0.03));
  assert(!isPrecise(resultsOf({ a: [100, 100], b: [90, 90] }), 0.03), "two repetitions agree by chance");
  assert(!isPrecise(resultsOf({ a: [100, 100] }), 0.03), "without a comparison nothing is precise");
});

/**
 * Simulates `--until`: rounds go on from the seventh until the comparison is precise, or sixty are over. The
 * candidate truly has `ratio` of the baseline's requests/s.
 */
function simulateUntil(model: string, ratio: number, width: number, benches: number) {
  const random = normalRandom(77);
  const rounds: number[] = [];
  let [shown, held] = [0, 0];
  for (let bench = 0; bench < benches; bench++) {
    const values = { baseline: [] as number[], candidate: [] as number[], paired: true };
    const simulated = simulatedRounds(model, random, [1, ratio]);
    for (;;) {
      const [a, b] = simulated.next().value;
      values.baseline.push(a!);
      values.candidate.push(b!);
      if (values.baseline.length < defaultRepetitions(1, { until: true })) continue;
      const comparisons = compareValues([values], FALSE_ALARMS_UNTIL);
      if (!arePrecise(comparisons, width) && values.baseline.length < 60) continue;
      const [{ verdict, ratio: interval }] = comparisons as [Comparison];
      if (verdict === "lower" || verdict === "higher") shown++;
      if (interval!.low <= ratio && ratio <= interval!.high) held++;
      break;
    }
    rounds.push(values.baseline.length);
  }
  return { shown, held, rounds: rounds.toSorted((a, b) => a - b) };
}

Deno.test("--until 5% finds a true loss of 5% in nine simulated benches of ten, half of them within 20 rounds of drift", () => {
  const { shown, rounds } = simulateUntil("drift", 0.95, 0.05, 200);
  assert(shown >= 180, `${shown} of 200`);
  assert(rounds[100]! <= 20, `${rounds[100]} rounds`);
});

for (const model of Object.keys(NOISE_MODELS)) {
  Deno.test(`to look after each round raises no more than 5% of false alarms, and the interval holds the truth in 94%: ${model}`, () => {
    const { shown, held } = simulateUntil(model, 1, 0.05, 250);
    assert(shown <= 0.05 * 250 + 7, `${shown} of 250`);
    assert(held >= 0.94 * 250 - 7, `${held} of 250`);
  });
}

Deno.test("a self-check measures the baseline under two names and nothing else", () => {
  const check = selfCheckOf(resolveScenario(scenario, "undersized_pool"));
  assertEquals(check.runs.map(({ name, baseline }) => [name, baseline]), [["direct-a", true], [
    "direct-b",
    false,
  ]]);
  assertEquals(check.runs[0]!.options, check.runs[1]!.options);
});

Deno.test("how often to measure is left open, except that a quick bench measures once", () => {
  assertEquals(repeatOptionsOf(NO_FLAGS).repeat, undefined);
  assertEquals(repeatOptionsOf({ ...NO_FLAGS, quick: true }).repeat, 1);
  assertEquals(repeatOptionsOf({ ...NO_FLAGS, until: 0.03, seed: 4 }), {
    repeat: undefined,
    selfCheck: false,
    until: { width: 0.03, maxTimeMs: 600_000 },
    decide: undefined,
    seed: 4,
  });
  assertThrows(() => repeatOptionsOf({ ...NO_FLAGS, maxTime: 1000 }), TimewaitError, "--until");
});

Deno.test("to decide is bounded by a time, takes the gates that are given, and no precision beside it", () => {
  const flags = { ...NO_FLAGS, decide: true };
  assertEquals(repeatOptionsOf(flags).decide, { maxTimeMs: 600_000 });
  const gate = parseGate("b:requestsPerSec>=-5%");
  assertEquals(repeatOptionsOf({ ...flags, maxTime: 1000 }, [gate]).decide, {
    maxTimeMs: 1000,
    gates: ["b:requestsPerSec>=-5%"],
  });
  assertThrows(
    () => repeatOptionsOf({ ...flags, until: 0.03 }),
    TimewaitError,
    "--until and --decide each say when to stop: give one of them",
  );
});

Deno.test("a precision is a percentage above 0", () => {
  assertEquals(parseShare("3%", "--until"), 0.03);
  assertEquals(parseShare("0.5%", "--until"), 0.005);
  for (const bad of ["3", "0%", "-1%", "%", "", "3 %"]) {
    assertThrows(() => parseShare(bad, "--until"), TimewaitError);
  }
});

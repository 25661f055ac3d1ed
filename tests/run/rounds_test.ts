import { TimewaitError } from "../../tools/errors.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { repeatOptionsOf } from "../../tools/cli/repeat_flags.ts";
import { parseShare } from "../../tools/cli/values.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import { compareValues } from "../../tools/verdict/comparison.ts";
import { arePrecise, isPrecise, selfCheckOf, shuffledRounds } from "../../tools/run/rounds.ts";
import scenario from "../../scenarios/undersized_pool.ts";
import { normalRandom } from "../support/simulation.ts";
import { resultsOf } from "../support/made_up_results.ts";

const NO_FLAGS = {
  quick: false,
  repeat: undefined,
  until: undefined,
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
  const narrow = resultsOf({ a: [100, 100, 100, 100, 100], b: [90, 90.5, 91, 90, 90] });
  assert(isPrecise(narrow, 0.03));
  assert(!isPrecise(narrow, 0.005));
  const wide = resultsOf({
    a: [100, 100, 100, 100, 100],
    b: [90, 90.5, 91, 90, 90],
    c: [50, 60, 70, 80, 90],
  });
  assert(!isPrecise(wide, 0.03));
  assert(!isPrecise(resultsOf({ a: [100, 100], b: [90, 90] }), 0.03), "two repetitions agree by chance");
  assert(!isPrecise(resultsOf({ a: [100, 100] }), 0.03), "without a comparison nothing is precise");
});

/**
 * Simulates `--until` on a machine that drifts by 20%, with a noise of 3% and one repetition in twenty
 * disturbed by up to 30%: rounds go on from the fifth until the comparison is precise, or sixty are over. The
 * candidate truly has `ratio` of the baseline's requests/s.
 */
function simulateUntil(ratio: number, width: number, benches: number): { shown: number; rounds: number[] } {
  const { normal, uniform } = normalRandom(77);
  const rounds: number[] = [];
  let shown = 0;
  for (let bench = 0; bench < benches; bench++) {
    const values = { baseline: [] as number[], candidate: [] as number[], paired: true };
    for (;;) {
      const drift = 1 + 0.1 * Math.sin(bench + values.baseline.length) + 0.1 * (uniform() - 0.5);
      const measure = (truth: number) => {
        const disturbed = uniform() < 0.05 ? 1 - 0.3 * uniform() : 1;
        return truth * drift * disturbed * Math.exp(0.03 * normal());
      };
      values.baseline.push(measure(1));
      values.candidate.push(measure(ratio));
      if (values.baseline.length < 5) continue;
      const comparisons = compareValues([values], { seed: bench, resamples: 99 });
      if (!arePrecise(comparisons, width) && values.baseline.length < 60) continue;
      if (comparisons[0]!.verdict === "lower" || comparisons[0]!.verdict === "higher") shown++;
      break;
    }
    rounds.push(values.baseline.length);
  }
  return { shown, rounds: rounds.toSorted((a, b) => a - b) };
}

Deno.test("--until 3% finds a true loss of 5% in nine simulated benches of ten, half of them within 40 rounds", () => {
  const { shown, rounds } = simulateUntil(0.95, 0.03, 100);
  assert(shown >= 90, `${shown} of 100`);
  assert(rounds[50]! <= 40, `${rounds[50]} rounds`);
});

Deno.test("to look after each round raises no more false alarms: at most 5% of simulated A/A benches with --until", () => {
  const { shown } = simulateUntil(1, 0.05, 400);
  assert(shown <= 20, `${shown} of 400`);
});

Deno.test("a self-check measures the baseline under two names and nothing else", () => {
  const check = selfCheckOf(resolveScenario(scenario, "undersized_pool"));
  assertEquals(check.runs.map(({ name, baseline }) => [name, baseline]), [["direct-a", true], [
    "direct-b",
    false,
  ]]);
  assertEquals(check.runs[0]!.options, check.runs[1]!.options);
});

Deno.test("five repetitions are the default, a quick bench has one", () => {
  assertEquals(repeatOptionsOf(NO_FLAGS).repeat, undefined);
  assertEquals(repeatOptionsOf({ ...NO_FLAGS, quick: true }).repeat, 1);
  assertEquals(repeatOptionsOf({ ...NO_FLAGS, until: 0.03, seed: 4 }), {
    repeat: undefined,
    selfCheck: false,
    until: { width: 0.03, maxTimeMs: 600_000 },
    seed: 4,
  });
  assertThrows(() => repeatOptionsOf({ ...NO_FLAGS, maxTime: 1000 }), TimewaitError, "--until");
});

Deno.test("a precision is a percentage above 0", () => {
  assertEquals(parseShare("3%", "--until"), 0.03);
  assertEquals(parseShare("0.5%", "--until"), 0.005);
  for (const bad of ["3", "0%", "-1%", "%", "", "3 %"]) {
    assertThrows(() => parseShare(bad, "--until"), TimewaitError);
  }
});

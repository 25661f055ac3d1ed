import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { decideValues } from "../../tools/verdict/comparison.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { decideGates } from "../../tools/verdict/gate_decisions.ts";
import { type ComparedValues, estimateRatio } from "../../tools/verdict/intervals.ts";
import { earliestDecision, FIRST_LOOK, LAST_LOOK, levelAt } from "../../tools/verdict/looks.ts";
import {
  countSignedRanks,
  countSigns,
  pGreater,
  pLess,
  signedRankEstimates,
  signEstimates,
} from "../../tools/verdict/rank_tests.ts";
import { NOISE_MODELS, normalRandom, simulateBench } from "../support/simulation.ts";

const BENCHES = 300;
/** Three deviations of a count of so many benches, each with a chance of 5%. */
const CHANCE = 3 * Math.sqrt(BENCHES * 0.05 * 0.95);

/** After how many rounds a verdict was reached, 61 where it was not, from the earliest to the latest. */
function sortedRounds(decidedAfter: readonly (number | null | undefined)[]): number[] {
  return decidedAfter.map((round) => round ?? LAST_LOOK + 1).sort((a, b) => a - b);
}

Deno.test("the counts after each round are those of the tests that look once", () => {
  const random = normalRandom(3);
  const ratios = Array.from({ length: 25 }, () => Math.exp(0.1 * random.normal())).concat(1, 1, 0.5, 2);
  for (const limit of [1, 0.95, ratios[4]!]) {
    const [ranks, signs] = [countSignedRanks(ratios, limit), countSigns(ratios, limit)];
    for (const n of [1, 6, 17, ratios.length]) {
      for (
        const [{ below, above, all, atMost }, estimates] of [
          [ranks[n - 1]!, signedRankEstimates(ratios.slice(0, n))],
          [signs[n - 1]!, signEstimates(ratios.slice(0, n))],
        ] as const
      ) {
        assertEquals(atMost(all - below), pLess(estimates, limit));
        assertEquals(atMost(all - above), pGreater(estimates, limit));
      }
    }
  }
});

Deno.test("the levels of all looks together spend their part of the 5%", () => {
  const random = normalRandom(8);
  const lowest = Array.from({ length: 4000 }, () => {
    const counts = countSignedRanks(Array.from({ length: LAST_LOOK }, () => Math.exp(random.normal())), 1);
    return Math.min(
      ...counts.map(({ below, atMost }, i) => i + 1 < FIRST_LOOK ? 1 : atMost(below) * Math.sqrt(i + 1)),
    );
  });
  for (const parts of [1, 2, 4, 10]) {
    const shown = lowest.filter((p) => p <= levelAt(FIRST_LOOK, parts) * Math.sqrt(FIRST_LOOK)).length;
    const expected = 4000 * 0.05 / parts;
    assert(Math.abs(shown - expected) <= 3 * Math.sqrt(expected), `${parts}: ${shown} of ${expected}`);
  }
});

Deno.test("levels fall with the rounds and with the tests that share them, and are 0 without a look", () => {
  assertEquals([levelAt(FIRST_LOOK - 1, 1), levelAt(LAST_LOOK + 1, 1)], [0, 0]);
  for (let parts = 1; parts < 100; parts++) {
    assert(levelAt(20, parts + 1) <= levelAt(20, parts));
    assert(levelAt(20, parts) > 0);
  }
  assertEquals([1, 2, 4, 12].map(earliestDecision), [7, 8, 9, 11]);
});

for (const model of Object.keys(NOISE_MODELS)) {
  Deno.test(`a bench that decides raises 5% of false alarms at most, and its interval holds the truth: ${model}`, () => {
    const random = normalRandom(21);
    let [alarms, held] = [0, 0];
    for (let bench = 0; bench < BENCHES; bench++) {
      if (decideValues(simulateBench(model, random, [1, 1], LAST_LOOK))[0]!.decidedAfter !== null) alarms++;
      const ratio = decideValues(simulateBench(model, random, [1, 0.95], LAST_LOOK))[0]!.ratio!;
      if (ratio.low <= 0.95 && 0.95 <= ratio.high) held++;
    }
    assert(alarms <= 0.05 * BENCHES + CHANCE, `${alarms} alarms of ${BENCHES}`);
    assert(held >= 0.95 * BENCHES - CHANCE, `${held} of ${BENCHES}`);
  });
}

Deno.test("several comparisons raise a false alarm in 5% of benches together, beside one that differs", () => {
  const random = normalRandom(5);
  let alarms = 0;
  for (let bench = 0; bench < BENCHES; bench++) {
    const compared = decideValues(simulateBench("heavy tails", random, [1, 0.8, 1, 1], LAST_LOOK));
    assertEquals(compared[0]!.verdict, "lower");
    if (compared.slice(1).some(({ decidedAfter }) => decidedAfter !== null)) alarms++;
  }
  assert(alarms <= 0.05 * BENCHES + CHANCE, `${alarms} of ${BENCHES}`);
});

Deno.test("a true loss of 5% is found in a median of 13 rounds at most, under 3% of noise and a drift of 20%", () => {
  const random = normalRandom(6);
  for (const model of ["normal", "drift", "heavy tails"]) {
    const rounds = sortedRounds(
      Array.from(
        { length: BENCHES },
        () => decideValues(simulateBench(model, random, [1, 0.95], LAST_LOOK))[0]!.decidedAfter,
      ),
    );
    assert(rounds[BENCHES / 2]! <= 13, `${model}: ${rounds[BENCHES / 2]}`);
  }
});

/** What a gate of "no worse than 5%" comes to where the run truly has this share of the baseline's rate. */
function decideGate(model: string, truth: number, benches: number) {
  const random = normalRandom(9);
  return Array.from({ length: benches }, () => {
    const [{ baseline, candidate }] = simulateBench(model, random, [1, truth], LAST_LOOK) as [ComparedValues];
    const gate = parseGate("requestsPerSec>=-5%");
    const [check] = decideGates([{ gate, run: "a", values: candidate, against: baseline, paired: true }]);
    return check!;
  });
}

Deno.test("no worse than 5% is decided in a median of 10 rounds at most, and wrongly in 5% of benches at most", () => {
  for (const model of ["normal", "drift", "heavy tails"]) {
    const same = decideGate(model, 1, BENCHES);
    const rounds = sortedRounds(same.map(({ decidedAfter }) => decidedAfter));
    assert(rounds[BENCHES / 2]! <= 10, `${model}: ${rounds[BENCHES / 2]}`);
    assert(same.every(({ verdict }) => verdict !== "fails"), model);
    for (const verdict of ["holds", "fails"]) {
      const wrong = decideGate(model, 0.95, BENCHES).filter((check) => check.verdict === verdict).length;
      assert(wrong <= 0.05 * BENCHES + CHANCE, `${model}: ${wrong} of ${BENCHES} ${verdict}`);
    }
  }
});

const slower = (rounds: number, share = 0.5): ComparedValues => ({
  baseline: Array.from({ length: rounds }, (_, i) => 100 + i),
  candidate: Array.from({ length: rounds }, (_, i) => (100 + i) * (share + i / 1e4)),
  paired: true,
});

Deno.test("a comparison stands as it was when it was decided, whatever comes after", () => {
  const early = decideValues([slower(8)])[0]!;
  assertEquals([early.verdict, early.decidedAfter, early.repetitions], ["lower", 8, 8]);
  const later = slower(20);
  const after = { ...later, candidate: later.candidate.map((value, i) => i < 8 ? value : value * 4) };
  assertEquals(decideValues([after])[0], early);
});

Deno.test("the interval is that of the test at the look, with the coverage of all looks", () => {
  const [comparison] = decideValues([slower(8)]);
  const level = levelAt(8, 2);
  const { low, high } = estimateRatio(slower(8), { low: level, high: level })!;
  assertEquals([comparison!.ratio!.low, comparison!.ratio!.high], [low, high]);
  assertAlmostEquals(comparison!.ratio!.confidence, 0.95);
});

Deno.test("too few rounds decide nothing, and nothing is looked at before the fewest rounds asked for", () => {
  assertEquals(decideValues([slower(7)])[0]!.verdict, "too few repetitions");
  assertEquals(decideValues([slower(7)])[0]!.repetitionsNeeded, 8);
  assertEquals(decideValues([slower(30)], 12)[0]!.decidedAfter, 12);
  assertEquals(decideValues([slower(9)], 12)[0]!.decidedAfter, 9, "one that was stopped is looked at once");
});

Deno.test("what one comparison has shown gives its share of the 5% to the others", () => {
  const none = { baseline: [], candidate: [], paired: true };
  assertEquals(decideValues([slower(8), none])[0]!.decidedAfter, 8);
  assertEquals(decideValues([slower(9), slower(9)]).map(({ decidedAfter }) => decidedAfter), [9, 9]);
  // One round of nine the other way round, by less than the others, gives a p of 2 in 512 on a side.
  const nearly = slower(9);
  const other = { ...nearly, candidate: nearly.candidate.map((value, i) => i === 0 ? 101 : value) };
  const decided = (sets: ComparedValues[]) => decideValues(sets).map(({ decidedAfter }) => decidedAfter);
  assertEquals(decided([other, other]), [null, null]);
  assertEquals(decided([other, slower(9)]), [9, 9]);
});

Deno.test("a gate that was shown to hold does not hold once a repetition fails", () => {
  const gate = parseGate("requestsPerSec>=-60%");
  const { baseline, candidate } = slower(12);
  const applied = { gate, run: "a", against: baseline, paired: true };
  const [held] = decideGates([{ ...applied, values: candidate }]);
  assertEquals([held!.verdict, held!.decidedAfter], ["holds", 7]);
  const [failed] = decideGates([{
    ...applied,
    values: candidate.map((value, i) => i === 9 ? undefined : value),
  }]);
  assertEquals([failed!.verdict, failed!.decidedAfter, failed!.missing], ["cannot tell", null, 1]);
});

Deno.test("a figure that is exactly at its limit keeps to it", () => {
  const gate = parseGate("errors.status<=0");
  const [check] = decideGates([{ gate, run: "a", values: Array(9).fill(0), paired: false }]);
  assertEquals([check!.verdict, check!.decidedAfter], ["holds", 7]);
});

import { TimewaitError } from "../../tools/errors.ts";
import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { exitCodeOf } from "../../tools/compare.ts";
import { checkGates, parseGate } from "../../tools/verdict/gate.ts";
import { gatesThatCannotFail } from "../../tools/verdict/gate_proof.ts";
import { normalRandom } from "../support/simulation.ts";
import { pool, repetition, run } from "../support/made_up_results.ts";

const GATE = "--gate";

function runOf(values: readonly number[], timeWait = 0, name = "pool-100") {
  return run(name, values.map((value) => repetition(value, { opened: 9, timeWait })), pool(100));
}

function verdictOf(
  gate: string,
  values: readonly number[],
  against: readonly number[],
  timeWait = 0,
): string {
  const [check, ...rest] = checkGates([parseGate(gate, GATE)], [
    { run: runOf(values, timeWait), against: runOf(against) },
  ], { seed: 1 });
  assertEquals(rest, []);
  return check!.verdict;
}

const BEFORE = [1000, 1010, 990, 1005, 995];
const by = (factor: number) => BEFORE.map((value) => value * factor);

Deno.test("a gate on a change fails, holds or cannot be told, as the repetitions show", () => {
  const gate = "requestsPerSec>=-5%";
  assertEquals(verdictOf(gate, by(0.8), BEFORE), "fails");
  assertEquals(verdictOf(gate, by(1), BEFORE), "holds");
  assertEquals(verdictOf(gate, by(0.95), BEFORE), "cannot tell");
  assertEquals(verdictOf(gate, [800, 1300, 700, 1250, 1100], BEFORE), "cannot tell");
  assertEquals(verdictOf("requestsPerSec<=+5%", by(1.2), BEFORE), "fails");
  assertEquals(verdictOf("requestsPerSec<=+5%", by(0.5), BEFORE), "holds");
});

Deno.test("a gate on a figure fails, holds or cannot be told, as the repetitions show", () => {
  const gate = "gateway.timeWaitPeak<=1000";
  assertEquals(verdictOf(gate, BEFORE, BEFORE, 6_000), "fails");
  assertEquals(verdictOf(gate, BEFORE, BEFORE, 1_000), "holds");
  assertEquals(verdictOf("requestsPerSec>=1000", BEFORE, BEFORE), "cannot tell");
  assertEquals(verdictOf("requestsPerSec>=900", BEFORE, BEFORE), "holds");
  assertEquals(verdictOf("requestsPerSec>=1100", BEFORE, BEFORE), "fails");
});

Deno.test("too few repetitions cannot tell, however large the difference, and say how many would", () => {
  const [relative, absolute] = checkGates(
    [parseGate("requestsPerSec>=-5%", GATE), parseGate("gateway.timeWaitPeak<=1000", GATE)],
    [{ run: runOf([10, 11], 9_000), against: runOf([1000, 1001]) }],
    { seed: 1 },
  );
  assertEquals([relative!.verdict, relative!.repetitionsNeeded], ["cannot tell", 4]);
  assertEquals([absolute!.verdict, absolute!.repetitionsNeeded], ["cannot tell", 6]);
});

Deno.test("all checks of one command are corrected together, those of several results and both kinds of gates", () => {
  const absolute = ["gateway.timeWaitPeak<=1000", "requestsPerSec>=900"];
  const verdicts = (gates: readonly string[], n: number, documents: readonly string[]) => {
    const bad = runOf([...by(0.5), ...by(0.51)].slice(0, n), 9_000);
    const parsed = gates.map((text) => parseGate(text, GATE));
    const gated = documents.map((document) => ({ run: bad, against: runOf(BEFORE), document }));
    const checks = checkGates(parsed, gated, { seed: 1 });
    return checks.map(({ document, verdict, repetitionsNeeded }) =>
      [document, verdict, repetitionsNeeded].join(" ").trim()
    );
  };
  // The sign test of 5 has 1 in 32, of 6 has 1 in 64, of 7 has 1 in 128.
  assertEquals(verdicts(absolute.slice(1), 5, ["B"]), ["B fails"]);
  assertEquals(verdicts(absolute, 5, ["B"]), ["B cannot tell 6", "B cannot tell 6"]);
  assertEquals(verdicts(absolute, 6, ["B"]), ["B fails", "B fails"]);
  const good = [5, 6].map((n) => runOf([...BEFORE, 1001].slice(0, n)));
  const held = good.map((run) =>
    checkGates(absolute.map((text) => parseGate(text, GATE)), [{ run }], { seed: 1 })
  );
  assertEquals(held.map((checks) => checks.map(({ verdict }) => verdict)), [
    ["cannot tell", "cannot tell"],
    ["holds", "holds"],
  ]);
  const four = ["B", "C", "B", "C"];
  assertEquals(verdicts(absolute, 6, ["B", "C"]), four.map((of) => `${of} cannot tell 7`));
  assertEquals(verdicts(absolute, 7, ["B", "C"]), four.map((of) => `${of} fails`));
  // Holm's leaves the larger p alone once the smaller is shown.
  assertEquals(verdicts([absolute[1]!, "requestsPerSec>=-5%"], 5, ["B"]), ["B fails 6", "B fails"]);
});

Deno.test("simulated runs that are exactly at their limits fail a gate in at most 5% of commands, however many gates", () => {
  const { normal } = normalRandom(6);
  const commands = 1500;
  const gates = [
    "requestsPerSec>=1000",
    "requestsPerSec<=1000",
    "requestsPerSec>=-0%",
    "gateway.timeWaitPeak<=500",
  ]
    .map((text) => parseGate(text, GATE));
  let failed = 0;
  for (let command = 0; command < commands; command++) {
    const values = () => Array.from({ length: 8 }, () => 1000 * Math.exp(0.1 * normal()));
    const runOfChance = (name: string) =>
      run(
        name,
        values().map((value) => repetition(value, { opened: 9, timeWait: 500 * Math.exp(0.1 * normal()) })),
      );
    const pairs = ["a", "b", "c"].map((name) => ({ run: runOfChance(name), against: runOfChance(name) }));
    if (
      checkGates(gates, pairs, { seed: command, resamples: 99 }).some(({ verdict }) => verdict === "fails")
    ) failed++;
  }
  assertLessOrEqual(failed, 0.05 * commands, `${failed} of ${commands}`);
});

Deno.test("a figure is a number of the repetition's own, not what its language has for every object", () => {
  for (
    const figure of ["constructor.length", "requests.toString.length", "hosts.gateway.timeWaitGroups.length"]
  ) {
    const gate = parseGate(`${figure}>=0`, GATE);
    assertThrows(
      () => checkGates([gate], [{ run: runOf(BEFORE) }], { seed: 1 }),
      TimewaitError,
      "there is no figure",
    );
  }
});

Deno.test("a gate for one run leaves the others alone, and one of the gateway those without", () => {
  const direct = run("direct", BEFORE.map((value) => repetition(value)), null);
  const pairs = [direct, runOf(BEFORE), runOf(BEFORE, 0, "pool-1000")].map((run) => ({ run }));
  const runs = (gate: string) =>
    checkGates([parseGate(gate, GATE)], pairs, { seed: 1 }).map(({ run }) => run);
  assertEquals(runs("pool-1000:requestsPerSec>=1"), ["pool-1000"]);
  assertEquals(runs("gateway.timeWaitPeak<=1000"), ["pool-100", "pool-1000"]);
  assertEquals(runs("requestsPerSec>=1"), ["direct", "pool-100", "pool-1000"]);
});

Deno.test("a gate that was mistyped is refused with what to type", () => {
  const check = (gate: string) => checkGates([parseGate(gate, GATE)], [{ run: runOf(BEFORE) }], { seed: 1 });
  assertThrows(() => check("requestsPerSec>-5%"), TimewaitError, "takes a gate such as");
  assertThrows(() => check("requestPerSec>=5"), TimewaitError, "did you mean requestsPerSec?");
  assertThrows(() => check("pool-10:requestsPerSec>=5"), TimewaitError, "did you mean pool-100?");
  assertThrows(() => check("requestsPerSec>=-5%"), TimewaitError, "give the results to compare with first");
  assertEquals(parseGate(" pool-100: gateway.timeWaitPeak <= 1000 ".replace(": ", ":"), GATE).limit, 1000);
});

Deno.test("every kind of gate can fail, which the self-test proves and where not says why", () => {
  const gates = [
    "requestsPerSec>=-5%",
    "latencyUs.p99<=+10%",
    "gateway.timeWaitPeak<=1000",
    "errors.timeout<=0",
    "reuseRatio>=0.9",
    "processes.gateway.cpuSec<=1",
  ].map((text) => parseGate(text, GATE));
  assertEquals(gatesThatCannotFail(gates, [runOf([...BEFORE, ...by(1.001)], 10)], 1), []);
  const together = gatesThatCannotFail(gates, [runOf(BEFORE, 10)], 1);
  assertEquals(together.map(({ repetitionsNeeded }) => repetitionsNeeded), [7, 7, 7, 7], "each absolute one");
  const blunt = gatesThatCannotFail(gates.slice(0, 1), [runOf([1000, 1001])], 1);
  assertEquals(blunt.map(({ repetitionsNeeded }) => repetitionsNeeded), [3]);
});

Deno.test("the exit code is 1 for a gate that fails, 3 for one that cannot be told, and a failure comes first", () => {
  const check = (verdict: "holds" | "fails" | "cannot tell") => ({
    gate: parseGate("requests>=1", GATE),
    run: "direct",
    measured: undefined,
    verdict,
  });
  assertEquals(exitCodeOf([]), 0);
  assertEquals(exitCodeOf([check("holds")]), 0);
  assertEquals(exitCodeOf([check("holds"), check("cannot tell")]), 3);
  assertEquals(exitCodeOf([check("cannot tell"), check("fails")]), 1);
});

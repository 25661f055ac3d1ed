import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../tools/command_line.ts";
import { exitCodeOf } from "../../tools/compare.ts";
import { checkGates, parseGate } from "../../tools/results/gate.ts";
import { gatesThatCannotFail } from "../../tools/results/gate_proof.ts";
import { pool, repetition, run } from "../report/made_up_results.ts";

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
  ], 1);
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
    1,
  );
  assertEquals([relative!.verdict, relative!.repetitionsNeeded], ["cannot tell", 3]);
  assertEquals([absolute!.verdict, absolute!.repetitionsNeeded], ["cannot tell", 5]);
});

Deno.test("a gate for one run leaves the others alone, and one of the gateway those without", () => {
  const direct = run("direct", BEFORE.map((value) => repetition(value)), null);
  const pairs = [direct, runOf(BEFORE), runOf(BEFORE, 0, "pool-1000")].map((run) => ({ run }));
  const runs = (gate: string) => checkGates([parseGate(gate, GATE)], pairs, 1).map(({ run }) => run);
  assertEquals(runs("pool-1000:requestsPerSec>=1"), ["pool-1000"]);
  assertEquals(runs("gateway.timeWaitPeak<=1000"), ["pool-100", "pool-1000"]);
  assertEquals(runs("requestsPerSec>=1"), ["direct", "pool-100", "pool-1000"]);
});

Deno.test("a gate that was mistyped is refused with what to type", () => {
  const check = (gate: string) => checkGates([parseGate(gate, GATE)], [{ run: runOf(BEFORE) }], 1);
  assertThrows(() => check("requestsPerSec>-5%"), UsageError, "takes a gate such as");
  assertThrows(() => check("requestPerSec>=5"), UsageError, "did you mean requestsPerSec?");
  assertThrows(() => check("pool-10:requestsPerSec>=5"), UsageError, "did you mean pool-100?");
  assertThrows(() => check("requestsPerSec>=-5%"), UsageError, "give the results to compare with first");
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
  assertEquals(gatesThatCannotFail(gates, [runOf(BEFORE, 10)], 1), []);
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

import { TimewaitError } from "../../tools/errors.ts";
import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { exitCodeOf, worstExitCode } from "../../tools/cli/gate_flags.ts";
import { besideBaseline, checkDocuments } from "../../tools/verdict/documents.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { checkGates } from "../../tools/verdict/gate_check.ts";
import { proveGates } from "../../tools/verdict/gate_proof.ts";
import { NOISE_MODELS, normalRandom, simulateBench } from "../support/simulation.ts";
import { pool, repetition, resultsOf, run } from "../support/made_up_results.ts";

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
  ]);
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
  );
  assertEquals([relative!.verdict, relative!.repetitionsNeeded], ["cannot tell", 4]);
  assertEquals([absolute!.verdict, absolute!.repetitionsNeeded], ["cannot tell", 6]);
});

Deno.test("failing is corrected for all checks of one command, those of several results and both kinds of gates; holding is not", () => {
  const absolute = ["gateway.timeWaitPeak<=1000", "requestsPerSec>=900"];
  const verdicts = (gates: readonly string[], n: number, documents: readonly string[]) => {
    const bad = runOf([...by(0.5), ...by(0.51)].slice(0, n), 9_000);
    const parsed = gates.map((text) => parseGate(text, GATE));
    const gated = documents.map((document) => ({ run: bad, against: runOf(BEFORE), document }));
    const checks = checkGates(parsed, gated);
    return checks.map(({ document, verdict, repetitionsNeeded }) =>
      [document, verdict, repetitionsNeeded].join(" ").trim()
    );
  };
  // The sign test of 5 has 1 in 32, of 6 has 1 in 64, of 7 has 1 in 128.
  assertEquals(verdicts(absolute.slice(1), 5, ["B"]), ["B fails"]);
  assertEquals(verdicts(absolute, 5, ["B"]), ["B cannot tell 6", "B cannot tell 6"]);
  assertEquals(verdicts(absolute, 6, ["B"]), ["B fails", "B fails"]);
  const good = [5, 6].map((n) => runOf([...BEFORE, 1001].slice(0, n)));
  const held = good.map((run) => checkGates(absolute.map((text) => parseGate(text, GATE)), [{ run }]));
  assertEquals(held.map((checks) => checks.map(({ verdict }) => verdict)), [
    ["holds", "holds"],
    ["holds", "holds"],
  ]);
  const four = ["B", "C", "B", "C"];
  assertEquals(verdicts(absolute, 6, ["B", "C"]), four.map((of) => `${of} cannot tell 7`));
  assertEquals(verdicts(absolute, 7, ["B", "C"]), four.map((of) => `${of} fails`));
  // Holm's leaves the larger p alone once the smaller is shown.
  assertEquals(verdicts([absolute[1]!, "requestsPerSec>=-5%"], 5, ["B"]), ["B fails", "B fails"]);
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
      checkGates(gates, pairs).some(({ verdict }) => verdict === "fails")
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
      () => checkGates([gate], [{ run: runOf(BEFORE) }]),
      TimewaitError,
      "there is no figure",
    );
  }
});

Deno.test("a gate on a figure that is like no other is told which there are", () => {
  assertThrows(
    () => checkGates([parseGate("speed>=1", GATE)], [{ run: runOf(BEFORE) }]),
    TimewaitError,
    "there is no figure speed; there are requestsPerSec, latencyUs.p99, errors.timeout, reuseRatio, ",
  );
});

Deno.test("a gate for one run leaves the others alone, and one of the gateway those without", () => {
  const direct = run("direct", BEFORE.map((value) => repetition(value)), null);
  const pairs = [direct, runOf(BEFORE), runOf(BEFORE, 0, "pool-1000")].map((run) => ({ run }));
  const runs = (gate: string) => checkGates([parseGate(gate, GATE)], pairs).map(({ run }) => run);
  assertEquals(runs("pool-1000:requestsPerSec>=1"), ["pool-1000"]);
  assertEquals(runs("gateway.timeWaitPeak<=1000"), ["pool-100", "pool-1000"]);
  assertEquals(runs("requestsPerSec>=1"), ["direct", "pool-100", "pool-1000"]);
});

Deno.test("a gate that was mistyped is refused with what to type", () => {
  const check = (gate: string) => checkGates([parseGate(gate, GATE)], [{ run: runOf(BEFORE) }]);
  assertThrows(() => check("requestsPerSec>-5%"), TimewaitError, "takes a gate such as");
  assertThrows(() => check("requestPerSec>=5"), TimewaitError, "did you mean requestsPerSec?");
  assertThrows(() => check("pool-10:requestsPerSec>=5"), TimewaitError, "did you mean pool-100?");
  assertThrows(() => check("requestsPerSec>=-5%"), TimewaitError, "give the results to compare with first");
  assertEquals(parseGate(" pool-100: gateway.timeWaitPeak <= 1000 ".replace(": ", ":"), GATE).limit, 1000);
});

Deno.test("the self-test says from what step beyond its limit each gate fails, with the noise that there is", () => {
  const gates = [
    "requestsPerSec>=-5%",
    "latencyUs.p99<=+10%",
    "gateway.timeWaitPeak<=1000",
    "errors.timeout<=0",
  ]
    .concat("reuseRatio>=0.9", "processes.gateway.cpuSec<=1").map((text) => parseGate(text, GATE));
  const noisy = runOf([...BEFORE, ...by(1.1)], 10);
  const beyond = proveGates(gates, [{ run: noisy, against: noisy }]).map(({ failsBeyond }) => failsBeyond);
  assertEquals(beyond, [0.1, 0.01, 0.01, 0.01, 0.01, 0.01]);
  const few = runOf([1000, 1001]);
  const [blunt] = proveGates(gates.slice(0, 1), [{ run: few, against: few }]);
  assertEquals([blunt!.failsBeyond, blunt!.check.repetitionsNeeded], [undefined, 3]);
  assertThrows(
    () => proveGates([parseGate("poll-100:requestsPerSec>=-5%", GATE)], [{ run: few, against: few }]),
    TimewaitError,
    "did you mean pool-100?",
  );
});

Deno.test("a gate reads what the table shows: a gateway that answers only errors, faster, fails it", () => {
  const refusing = run(
    "pool-100",
    by(1.3).map((value) =>
      repetition(value, {
        opened: 9,
        errors: { connect: 0, read: 0, write: 0, timeout: 0, status: value * 8 },
      })
    ),
  );
  const gates = ["requestsPerSec>=-5%", "requestsPerSec>=900"].map((text) => parseGate(text, GATE));
  const checks = checkGates(gates, [{ run: refusing, against: runOf(BEFORE) }]);
  assertEquals(checks.map(({ verdict, measured }) => [verdict, measured!.estimate]), [["fails", 0], [
    "fails",
    0,
  ]]);
});

Deno.test("failed repetitions fail a gate, or it cannot tell; it never holds", () => {
  const failing = (failures: number, n = 10) => {
    const repetitions = Array.from(
      { length: n },
      (_, i) => i < failures ? { failed: "it crashed" } : repetition(1000 + i, { opened: 9 }),
    );
    return run("pool-100", repetitions);
  };
  const against = runOf([...BEFORE, ...by(1.001)]);
  const verdicts = (failures: number) =>
    checkGates(
      ["requestsPerSec>=-5%", "requestsPerSec>=900", "gateway.timeWaitPeak<=1000"].map((text) =>
        parseGate(text, GATE)
      ),
      [{ run: failing(failures), against }],
    ).map(({ verdict, missing }) => `${verdict} ${missing}`);
  assertEquals(verdicts(0), ["holds 0", "holds 0", "holds 0"]);
  assertEquals(verdicts(1), ["cannot tell 1", "cannot tell 1", "cannot tell 1"]);
  assertEquals(verdicts(5), ["cannot tell 5", "cannot tell 5", "cannot tell 5"]);
  assertEquals(verdicts(10), ["fails 10", "fails 10", "fails 10"]);
});

Deno.test("a gate that applies to nothing is refused, with what is there instead", () => {
  const main = { name: "main", results: resultsOf({ direct: BEFORE, pool: BEFORE }) };
  const branch = { name: "branch", results: resultsOf({ direct: BEFORE, renamed: BEFORE }) };
  const check = (gate: string, ...documents: (typeof main)[]) =>
    checkDocuments([parseGate(gate, GATE)], documents);
  const refused = (gate: string, problem: string, ...documents: (typeof main)[]) =>
    assertThrows(() => check(gate, ...documents), TimewaitError, problem);
  refused("pool:requestsPerSec>=-5%", "no run pool in branch; its runs are direct, renamed", main, branch);
  refused(
    "renamed:requestsPerSec>=-5%",
    "nothing to compare renamed with; a change can be told of",
    main,
    branch,
  );
  refused("direct:reuseRatio>=0.9", "is a figure of a gateway, and direct went without one", main);
  const { results: other } = main;
  const another = { name: "other", results: { ...other, scenario: "port_exhaustion" } };
  refused("requestsPerSec>=-5%", "other holds the scenario port_exhaustion", main, another);
  const longer = other.runs.map((one) => ({
    ...one,
    options: { ...one.options, load: { ...one.options.load, durationMs: 8000 } },
  }));
  refused("requests>=-5%", "under another load", main, {
    name: "longer",
    results: { ...other, runs: longer },
  });
  const renamed = { name: "renamed", results: resultsOf({ a: BEFORE, b: BEFORE }) };
  refused(
    "requestsPerSec>=-5%",
    "no run has the name of a run in the first results, its runs are a, b",
    main,
    renamed,
  );
  const checks = check("requestsPerSec>=-5%", main, branch);
  assertEquals(checks.map(({ run, verdict, document }) => [run, verdict, document]), [
    ["direct", "holds", undefined],
    ["pool", "cannot tell", "branch"],
  ]);
});

Deno.test("a figure that a direct run lacks is asked of the gateways, and zeros in the baseline can be told", () => {
  const { runs } = resultsOf({ direct: BEFORE, pool: BEFORE });
  const verdicts = (gate: string, gated = runs.map((run) => ({ run, against: run }))) =>
    checkGates([parseGate(gate, GATE)], gated).map(({ run, verdict }) => [run, verdict]);
  assertEquals(verdicts("reuseRatio>=0.9"), [["pool", "holds"]]);
  assertEquals(verdicts("processes.gateway.cpuSec<=5"), [["pool", "holds"]]);
  const timeouts = (counts: number[]) =>
    run(
      "pool",
      counts.map((timeout) =>
        repetition(1000, { errors: { connect: 0, read: 0, write: 0, timeout, status: 0 } })
      ),
    );
  const clean = timeouts([0, 0, 0, 0, 0]);
  assertEquals(verdicts("errors.timeout<=+10%", [{ run: clean, against: clean }]), [["pool", "holds"]]);
  const late = timeouts([9, 8, 9, 7, 9]);
  assertEquals(verdicts("errors.timeout<=+10%", [{ run: late, against: clean }]), [["pool", "fails"]]);
});

Deno.test("within a bench a change is that against the baseline, round by round, from 5 rounds on", () => {
  const drifting = [1000, 1300, 700, 1250, 800];
  const bench = resultsOf({ direct: drifting, pool: drifting.map((value, i) => value * (0.8 - i / 100)) });
  const verdicts = (gate: string, document = bench) =>
    checkGates([parseGate(gate, GATE)], besideBaseline(document)).map(({ run, verdict }) => [run, verdict]);
  assertEquals(verdicts("requestsPerSec>=-30%"), [["pool", "holds"]]);
  assertEquals(verdicts("pool:requestsPerSec>=-10%"), [["pool", "fails"]]);
  assertThrows(() => verdicts("direct:requestsPerSec>=-10%"), TimewaitError, "a change can be told of pool");
  const [few] = checkGates(
    [parseGate("requestsPerSec>=-30%", GATE)],
    besideBaseline(resultsOf({ direct: BEFORE.slice(1), pool: BEFORE.slice(1) })),
  );
  assertEquals([few!.verdict, few!.repetitionsNeeded], ["cannot tell", 5]);
});

for (const model of Object.keys(NOISE_MODELS)) {
  Deno.test(`simulated benches at the limit of a gate fail and hold in at most 5% each, and the interval agrees: ${model}`, () => {
    const random = normalRandom(11);
    const gate = parseGate("requestsPerSec>=-30%", GATE);
    const counts = { "fails": 0, "holds": 0, "cannot tell": 0 };
    const benches = 300;
    for (let bench = 0; bench < benches; bench++) {
      const [values] = simulateBench(model, random, [1, 0.7], 10);
      const { baseline, candidate } = values!;
      const [check] = checkGates([gate], [{ run: runOf(candidate), against: runOf(baseline), paired: true }]);
      counts[check!.verdict]++;
      const { low, high } = check!.measured!;
      assertEquals(check!.verdict, high < 0.7 ? "fails" : low >= 0.7 ? "holds" : "cannot tell");
    }
    const most = 0.05 * benches + 3 * Math.sqrt(0.05 * 0.95 * benches);
    assertLessOrEqual(counts.fails, most);
    assertLessOrEqual(counts.holds, most);
  });
}

Deno.test("the exit code is 1 for a gate that fails, 3 for one that cannot be told, and a failure comes first", () => {
  const check = (verdict: "holds" | "fails" | "cannot tell") => ({
    gate: parseGate("requests>=1", GATE),
    run: "direct",
    measured: undefined,
    verdict,
    missing: 0,
    repetitions: 5,
  });
  assertEquals(exitCodeOf([]), 0);
  assertEquals(exitCodeOf([check("holds")]), 0);
  assertEquals(exitCodeOf([check("holds"), check("cannot tell")]), 3);
  assertEquals(exitCodeOf([check("cannot tell"), check("fails")]), 1);
  assertEquals([worstExitCode([3, 1, 0]), worstExitCode([0, 3]), worstExitCode([1, 130, 3])], [1, 3, 130]);
});

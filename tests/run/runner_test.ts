import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { isMeasured, type Results } from "../../tools/results/results.ts";
import { type BenchPlan, type MeasureOptions, planBench } from "../../tools/run/bench_plan.ts";
import { type BenchOptions, type BenchProgress, type Measure, runBench } from "../../tools/run/runner.ts";
import { selfCheckOf } from "../../tools/run/rounds.ts";
import type { RunOptions } from "../../tools/scenario/plan.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import type { Scenario } from "../../tools/scenario/scenario.ts";
import { repetition, results } from "../support/made_up_results.ts";
import { assertDescribed } from "../support/strict_schema.ts";

/** Runs that are told apart by their pools. An open loop, because that needs no program to be installed. */
const SCENARIO: Scenario = {
  question: "Which pool fits?",
  expectation: "The larger one.",
  load: { connections: 10, rate: 100 },
  runs: [10, 20, 30].map((poolMaxIdlePerHost) => ({
    name: `pool-${poolMaxIdlePerHost}`,
    gateway: { poolMaxIdlePerHost },
  })),
};

/**
 * Measures a scenario, by the measure that is handed in: no lab is opened, no environment read, no program
 * started.
 */
function bench(
  { repeat = 5, until = null, decide, seed = 7, selfCheck = false, ...options }:
    & Partial<Pick<BenchPlan, "repeat" | "until" | "decide" | "seed" | "selfCheck">>
    & BenchOptions,
  scenario = SCENARIO,
): Promise<Results> {
  const resolved = resolveScenario(scenario, "mine");
  const plan: BenchPlan = {
    scenario: selfCheck ? selfCheckOf(resolved) : resolved,
    ...{ repeat, until, seed, selfCheck },
    ...(decide === undefined ? {} : { decide }),
    lab: { kind: "private" },
    generator: { name: "open-loop", version: "0.1.0" },
    hostSysctls: undefined,
    command: "deno task bench mine",
  };
  return runBench(plan, { environment: results([]).environment, ...options });
}

function runOf({ gateway }: RunOptions): string {
  if (gateway === null || !("poolMaxIdlePerHost" in gateway)) throw new Error("not a run of this scenario");
  return `pool-${gateway.poolMaxIdlePerHost}`;
}

/** A measure that is told which of its calls is made, counted from 1, and of which run. */
function measureAs(requestsPerSec: (run: string, call: number) => number) {
  const order: string[] = [];
  const measure: Measure = (options) => {
    const run = runOf(options);
    order.push(run);
    return Promise.resolve(repetition(requestsPerSec(run, order.length), { opened: 10 }));
  };
  return { order, measure };
}

function repetitionsOf({ runs }: Results): number[] {
  return runs.map((run) => run.repetitions.length);
}

Deno.test("each round measures every run once, before the next round begins", async () => {
  const { order, measure } = measureAs(() => 100);
  const measured = await bench({ repeat: 4, measure });
  assertEquals(repetitionsOf(measured), [4, 4, 4]);
  assertEquals(order.length, 12);
  for (let i = 0; i < 12; i += 3) {
    assertEquals(order.slice(i, i + 3).sort(), ["pool-10", "pool-20", "pool-30"]);
  }
  assertEquals(measured.interrupted, false);
});

Deno.test("the same seed measures in the same order, another seed in another", async () => {
  const orderWith = async (seed: number) => {
    const { order, measure } = measureAs(() => 100);
    const { seed: kept } = await bench({ repeat: 6, seed, measure });
    assertEquals(kept, seed);
    return order.join();
  };
  assertEquals(await orderWith(5), await orderWith(5));
  assert(await orderWith(5) !== await orderWith(6));
});

Deno.test("a repetition stands with its run, in whatever order the runs took turns", async () => {
  const { measure } = measureAs((run, call) => Number(run.slice("pool-".length)) * 1000 + call);
  const { runs } = await bench({ repeat: 3, measure });
  for (const { name, repetitions } of runs) {
    const figures = repetitions.map((one) => isMeasured(one) ? one.requestsPerSec : NaN);
    assertEquals(figures.map((figure) => `pool-${Math.floor(figure / 1000)}`), [name, name, name]);
    assertEquals(figures, figures.toSorted((a, b) => a - b), "in the order in which they were measured");
  }
});

Deno.test("with until, rounds go on after the fewest until every comparison is precise", async () => {
  // The first eight rounds scatter, the later ones do not.
  const { measure } = measureAs((_run, call) => call <= 24 ? 60 + 13 * call % 80 : 100);
  const until = { width: 0.5, maxTimeMs: 60_000 };
  const measured = await bench({ repeat: 5, until, measure });
  const [rounds] = repetitionsOf(measured);
  assertEquals(repetitionsOf(measured), [rounds, rounds, rounds]);
  assert(rounds! > 5, `${rounds} rounds`);
  assertEquals(measured.method, { repeat: 5, until });
});

Deno.test("with until, precise comparisons end the bench after the fewest rounds", async () => {
  const { measure } = measureAs((_run, call) => 100 + call / 1000);
  const until = { width: 0.05, maxTimeMs: 60_000 };
  assertEquals(repetitionsOf(await bench({ repeat: 8, until, measure })), [
    8,
    8,
    8,
  ]);
});

Deno.test("with until, no round begins after the longest time, precise or not", async () => {
  const { measure } = measureAs((_run, call) => 60 + 13 * call % 80);
  const until = { width: 0.0001, maxTimeMs: 0 };
  assertEquals(repetitionsOf(await bench({ repeat: 2, until, measure })), [
    2,
    2,
    2,
  ]);
});

/** Rates by run, with a little noise that differs from round to round. */
const ratesOf = (rates: Record<string, number>) =>
  measureAs((run, call) => 10 * rates[run]! + call * 7 % 11).measure;

Deno.test("to decide, rounds go on until each run is shown to differ from the baseline, and no longer", async () => {
  const decide = { maxTimeMs: 60_000 };
  const measured = await bench({
    repeat: 6,
    decide,
    measure: ratesOf({ "pool-10": 100, "pool-20": 80, "pool-30": 50 }),
  });
  assertEquals(repetitionsOf(measured), [9, 9, 9]);
  assertEquals(measured.method, { repeat: 6, until: null, decide });
  assertDescribed(measured);
});

Deno.test("to decide what there is not ends after 60 rounds, or with the time", async () => {
  const same = ratesOf({ "pool-10": 100, "pool-20": 100, "pool-30": 50 });
  assertEquals(repetitionsOf(await bench({ repeat: 6, decide: { maxTimeMs: 60_000 }, measure: same })), [
    60,
    60,
    60,
  ]);
  assertEquals(repetitionsOf(await bench({ repeat: 6, decide: { maxTimeMs: 0 }, measure: same })), [6, 6, 6]);
});

Deno.test("to decide gates, rounds go on until each holds or fails; one that applies to nothing ends them", async () => {
  const measure = ratesOf({ "pool-10": 100, "pool-20": 100, "pool-30": 50 });
  const roundsFor = async (...gates: string[]) =>
    repetitionsOf(await bench({ repeat: 6, decide: { maxTimeMs: 60_000, gates }, measure }))[0];
  assertEquals(await roundsFor("requestsPerSec>=-20%"), 8, "pool-20 holds after 7, pool-30 fails after 8");
  assertEquals(await roundsFor("pool-20:requestsPerSec>=-20%"), 7);
  assertEquals(await roundsFor("gateway.timeWaitPeak<=1000"), 7);
  assertEquals(await roundsFor("pool-20:requestPerSec>=-20%"), 6);
});

Deno.test("to decide, a gate of a run that failed once is not waited for, and a run that never starts neither", async () => {
  const { measure } = measureAs((run) => run === "pool-30" ? 50 : 100);
  let calls = 0;
  const failsOnce: Measure = (options, context) => {
    if (++calls === 2) return Promise.reject(new Error("it crashed"));
    return measure(options, context);
  };
  const decide = { maxTimeMs: 60_000, gates: ["gateway.timeWaitPeak<=1000"] };
  assertEquals(repetitionsOf(await bench({ repeat: 6, decide, measure: failsOnce })), [7, 7, 7]);
  const never: Measure = (options, context) =>
    runOf(options) === "pool-20"
      ? Promise.reject(new Error("the gateway ended before it listened: exit code 127"))
      : measure(options, context);
  const without = await bench({ repeat: 6, decide: { maxTimeMs: 60_000 }, measure: never });
  assertEquals(repetitionsOf(without), [8, 8, 8], "one comparison is left");
});

Deno.test("a bench that cannot decide is refused: a precision besides, too many rounds, nothing to decide", async () => {
  const decide = { maxTimeMs: 1000 };
  const refused = async (options: MeasureOptions, scenario = SCENARIO) =>
    (await assertRejects(
      () => planBench(scenario, { lab: { kind: "private" }, generator: "open-loop", decide, ...options }),
      TimewaitError,
    )).field;
  assertEquals(await refused({ until: { width: 0.03, maxTimeMs: 1000 } }), "decide");
  assertEquals(await refused({ repeat: 61 }), "repeat");
  assertEquals(await refused({}, { ...SCENARIO, runs: [SCENARIO.runs[0]!] }), "decide");
  assertEquals(await refused({ decide: { ...decide, gates: ["fast"] } }), "decide.gates");
});

Deno.test("a repetition that fails stands as failed in one line, and the others go on", async () => {
  const { measure } = measureAs((run, call) => {
    if (run === "pool-20" && call <= 3) throw new Error("the gateway ended\nbefore it listened");
    return 100;
  });
  const measured = await bench({ repeat: 2, measure });
  assertEquals(repetitionsOf(measured), [2, 2, 2]);
  const [, failing] = measured.runs;
  assertEquals(failing!.repetitions[0], { failed: "the gateway ended; before it listened" });
  assert(isMeasured(failing!.repetitions[1]!));
  assertEquals(measured.interrupted, false);
});

Deno.test("a bench that is stopped in the middle of a repetition keeps those before it, and starts none after it", async () => {
  const stop = new AbortController();
  let calls = 0;
  const told: string[] = [];
  const measured = await bench({
    repeat: 3,
    signal: stop.signal,
    onRepetition: (run, number) => told.push(`${run} ${number}`),
    measure: async (_options, { signal }) => {
      if (++calls < 5) return repetition(100, { opened: 10 });
      queueMicrotask(() => stop.abort(new Error("enough")));
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      throw new Error("not reached");
    },
  });
  assertEquals(calls, 5);
  assertEquals(measured.interrupted, true);
  assertEquals(repetitionsOf(measured).toSorted(), [1, 1, 2]);
  assert(measured.runs.every((run) => run.repetitions.every(isMeasured)), "what was stopped has not failed");
  assertEquals(told.length, 4);
});

Deno.test("a bench that is stopped before it begins measures nothing, and says so", async () => {
  const { order, measure } = measureAs(() => 100);
  const signal = AbortSignal.abort();
  const { interrupted } = await bench({ signal, measure });
  assertEquals([order, interrupted], [[], true]);
});

Deno.test("results are handed out before the first repetition and after each, and once more at the end", async () => {
  const { order, measure } = measureAs(() => 100);
  const kept: [number, number][] = [];
  const measured = await bench({
    repeat: 2,
    measure,
    onResults: (results) => {
      kept.push([order.length, repetitionsOf(results).reduce((sum, count) => sum + count)]);
      assertDescribed(results);
      return Promise.resolve();
    },
  });
  assertEquals(kept, [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 6], [6, 6]]);
  assertEquals(
    [measured.scenario, measured.question, measured.expectation, measured.command],
    ["mine", "Which pool fits?", "The larger one.", "deno task bench mine"],
  );
  assertMatch(measured.startedAt, /^\d{4}-\d\d-\d\dT/);
});

Deno.test("results that cannot be kept end the bench", async () => {
  const { order, measure } = measureAs(() => 100);
  const onResults = (results: Results) =>
    repetitionsOf(results).some((count) => count > 0)
      ? Promise.reject(new Error("No space left on device"))
      : Promise.resolve();
  await assertRejects(
    () => bench({ measure, onResults }),
    Error,
    "No space left",
  );
  assertEquals(order.length, 1);
});

Deno.test("progress says which run is under way, which are over in this round, and what the load does", async () => {
  const told: BenchProgress[] = [];
  await bench({
    repeat: 2,
    measure: (_options, { onProgress }) => {
      onProgress?.({ elapsedMs: 500, requestsPerSec: 99, timeWait: 3 });
      return Promise.resolve(repetition(100, { opened: 10 }));
    },
    onProgress: (progress) => told.push(progress),
  });
  const expected = [1, 2].flatMap((round) =>
    [0, 1, 2].flatMap((ended) => [undefined, 99].map((rate) => [2, round, ended, rate]))
  );
  const shown = told.map(({ rounds, repetition, ended, load }) => [
    rounds,
    repetition,
    ended.length,
    load?.requestsPerSec,
  ]);
  assertEquals(shown, expected);
  assert(told.every(({ run, ended }) => !ended.includes(run)));
  assertEquals(new Set(told.map(({ run }) => run)).size, 3);
});

Deno.test("every repetition learns when the first one began, and where it is measured", async () => {
  const began = new Set<number | undefined>();
  await bench({
    repeat: 2,
    measure: (_options, { firstStartedMs, lab, generator }) => {
      began.add(firstStartedMs);
      assertEquals([lab, generator], ["private", "open-loop"]);
      return Promise.resolve(repetition(100, { opened: 10 }));
    },
  });
  assertEquals(began.size, 1);
  assert(![...began].includes(undefined));
});

Deno.test("a self-check measures the baseline under two names in turns", async () => {
  const { order, measure } = measureAs(() => 100);
  const measured = await bench({ repeat: 3, selfCheck: true, measure });
  assertEquals(new Set(order), new Set(["pool-10"]));
  assertEquals(measured.runs.map(({ name, baseline }) => [name, baseline]), [
    ["pool-10-a", true],
    ["pool-10-b", false],
  ]);
  assertEquals(repetitionsOf(measured), [3, 3]);
  assertEquals(measured.method, { repeat: 3, until: null, selfCheck: true });
});

Deno.test("runs may differ in load and backend, and each is measured with its own", async () => {
  const loads: string[] = [];
  const scenario: Scenario = {
    ...SCENARIO,
    runs: [
      { name: "few", load: { connections: 5 } },
      { name: "many", load: { connections: 50, duration: "9s" }, backend: { latency: "20ms" } },
    ],
  };
  const measured = await bench({
    repeat: 1,
    measure: ({ load, backend }) => {
      loads.push(`${load.connections} ${load.durationMs} ${backend.latencyMs}`);
      return Promise.resolve(repetition(100));
    },
  }, scenario);
  assertEquals(loads.toSorted(), ["5 2000 0", "50 9000 20"]);
  assertEquals(measured.runs.map(({ options }) => options.load.connections), [5, 50]);
});

Deno.test("an option that does not fit is named where it was given: for all runs, in one of them, or over the scenario", async () => {
  const fieldOf = async (scenario: Scenario, options: MeasureOptions = {}) =>
    (await assertRejects(
      () => planBench(scenario, { lab: { kind: "private" }, generator: "open-loop", ...options }),
      TimewaitError,
    ))
      .field;
  const few = { connections: 5, threads: 8 };
  const runs = [{ name: "a" }, { name: "b", load: few }];
  assertEquals(await fieldOf({ ...SCENARIO, load: { ...SCENARIO.load, ...few } }), "load.connections");
  assertEquals(await fieldOf({ ...SCENARIO, runs }), "runs[1].load.connections");
  assertEquals(
    await fieldOf({ ...SCENARIO, runs: [runs[1]!] }, { load: { connections: 1, threads: 2 } }),
    "load.connections",
  );
});

Deno.test("a rate for some runs and none for others is refused, because one generator drives them all", async () => {
  const { rate: _, ...load } = SCENARIO.load!;
  const scenario = { ...SCENARIO, load, runs: [{ name: "open", load: { rate: 100 } }, { name: "closed" }] };
  const error = await assertRejects(() => planBench(scenario, { generator: "open-loop" }), TimewaitError);
  assertEquals(error.field, "rate");
  assertMatch(error.message, /^rate is needed by closed as well/);
});

Deno.test("secrets reach the load and the gateway, and no document, no progress and no reason", async () => {
  const secret = "hunter2-hunter2";
  const scenario: Scenario = {
    ...SCENARIO,
    load: { ...SCENARIO.load, headers: [`Authorization: Bearer ${secret}`, "Accept: */*"] },
    runs: [{ name: "mine", gateway: { command: `TOKEN=${secret} ./gw --password ${secret} {listen}` } }],
  };
  const told: unknown[] = [];
  const given: RunOptions[] = [];
  const plan = resolveScenario(scenario, "mine");
  const measured = await runBench({
    scenario: plan,
    ...{ repeat: 2, until: null, seed: 1, selfCheck: false, hostSysctls: undefined },
    lab: { kind: "private" },
    generator: { name: "open-loop", version: "0.1.0" },
    command: `deno task bench mine --header 'Authorization: Bearer ${secret}'`,
  }, {
    environment: results([]).environment,
    onProgress: (progress) => told.push(structuredClone(progress)),
    onResults: (results) => Promise.resolve(void told.push(structuredClone(results))),
    onRepetition: (...repetition) => told.push(structuredClone(repetition)),
    measure: (options) => {
      given.push(options);
      throw new Error(`the gateway ended before it listened: no such token: ${secret}`);
    },
  });
  assertEquals(given.map(({ load }) => load.headers[0]), Array(2).fill(`Authorization: Bearer ${secret}`));
  assert(JSON.stringify(given).includes(`./gw --password ${secret}`));
  assertEquals([told.length > 5, JSON.stringify(told).includes("hunter2")], [true, false]);
  const [run] = measured.runs;
  assertEquals(run!.options.load.headers, ["Authorization: ***", "Accept: */*"]);
  assertEquals(run!.options.gateway, { command: "TOKEN=*** ./gw --password *** {listen}" });
  assertEquals(run!.repetitions[0], {
    failed: "the gateway ended before it listened: no such token: ***",
  });
  assertEquals(measured.command, "deno task bench mine --header 'Authorization: ***'");
});

Deno.test("a gateway that is not there is not tried again, and its failures say so; any other is", async () => {
  const failures = {
    "pool-10": "the gateway ended before it listened: sh: 1: nothing: not found (exit code 127)",
    "pool-20": "the gateway ended before it listened: exit code 126",
    "pool-30": "the gateway ended before it listened: exit code 1",
  };
  const order: string[] = [];
  const told: string[] = [];
  const measured = await bench({
    repeat: 3,
    onRepetition: (run) => told.push(run),
    measure: (options) => {
      const run = runOf(options) as keyof typeof failures;
      order.push(run);
      throw new Error(failures[run]);
    },
  });
  assertEquals(order.toSorted(), ["pool-10", "pool-20", "pool-30", "pool-30", "pool-30"]);
  assertEquals(told.toSorted(), order.toSorted());
  assertEquals(repetitionsOf(measured), [3, 3, 3]);
  assertEquals(
    measured.runs.map(({ repetitions }) =>
      new Set(repetitions.map((one) => "failed" in one ? one.failed : ""))
    ),
    [
      new Set([`${failures["pool-10"]}; it is not tried again`]),
      new Set([`${failures["pool-20"]}; it is not tried again`]),
      new Set([failures["pool-30"]]),
    ],
  );
});

Deno.test("a bench of which no gateway is there ends after the fewest rounds, precise or not", async () => {
  const measure = () => Promise.reject(new Error("the gateway ended before it listened: exit code 127"));
  const until = { width: 0.01, maxTimeMs: 3_000 };
  assertEquals(repetitionsOf(await bench({ repeat: 2, until, measure })), [2, 2, 2]);
});

Deno.test("what a child or the kernel would refuse is refused before the first run, by its field", async () => {
  const refused: [Partial<Scenario>, string, RegExp][] = [
    [{ backend: { bodyBytes: "257MiB" } }, "backend.bodyBytes", /up to 256MiB/],
    [{ load: { connections: 10, rate: 999_999_999 } }, "load.rate", /from 1 to 1000000/],
    [{ load: { connections: 10, rate: 9, headers: ["A: \x1b"] } }, "load.headers", /A: \\u001b/],
    [{ load: { connections: 10, rate: 9, headers: ["Content-Length: 5"] } }, "load.headers", /its own body/],
    [{ sysctls: { "net.ipv4.tcp_tw_reus": 1 } }, "sysctls", /did you mean net\.ipv4\.tcp_tw_reuse\?/],
    [
      { runs: [{ name: "a", gateway: { command: "no-such-gateway-1234 {listen}" } }] },
      "runs[0].gateway.command",
      /no-such-gateway-1234 was not found on PATH/,
    ],
  ];
  for (const [changed, field, why] of refused) {
    const scenario = { ...SCENARIO, ...changed };
    const plan = () => planBench(scenario, { lab: { kind: "private" }, generator: "open-loop" });
    const error = await assertRejects(plan, TimewaitError);
    assertEquals(error.field, field);
    assertMatch(error.problem, why);
  }
});

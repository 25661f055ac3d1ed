import { assertEquals, assertLessOrEqual, assertRejects, assertStringIncludes } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import type { Results } from "../../tools/results/results.ts";
import { type BenchPlan, planBench } from "../../tools/run/bench_plan.ts";
import { runPlan } from "../../tools/run/find.ts";
import { runsToFind, stepOf } from "../../tools/run/find_steps.ts";
import type { Measure } from "../../tools/run/runner.ts";
import { findOf, sweepOf } from "../../tools/run/variation.ts";
import { parseFind } from "../../tools/scenario/find.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import type { Hosts, Scenario } from "../../tools/scenario/scenario.ts";
import { foundIn } from "../../tools/verdict/found.ts";
import { repetition, results } from "../support/made_up_results.ts";
import { together } from "../support/made_up_sweep.ts";
import { assertDescribed } from "../support/strict_schema.ts";

const SCENARIO: Scenario = {
  question: "How large?",
  runs: [
    { name: "direct" },
    ...[30, 400].map((pool) => ({ name: `pool-${pool}`, gateway: { poolMaxIdlePerHost: pool } })),
  ],
};

/** Finds, by the measure that is handed in: no lab is opened and no program started. */
async function find(
  text: string,
  measure: Measure,
  { slo, ...options }: {
    slo?: string;
    signal?: AbortSignal;
    onResults?: (results: Results) => Promise<void>;
  } = {},
): Promise<Results> {
  const scenario = resolveScenario(SCENARIO, "mine");
  const plan: BenchPlan = {
    scenario,
    repeat: 1,
    until: null,
    find: parseFind(text, { connections: 1000, slo }),
    seed: 7,
    selfCheck: false,
    lab: { kind: "private" },
    generator: { name: "wrk", version: "4.1.0" },
    hostSysctls: undefined,
    command: "deno task bench mine",
  };
  return await runPlan(plan, { environment: results([]).environment, measure, ...options });
}

/** Measures a pool that keeps what its options say. */
const pools: Measure = ({ gateway, load: { connections } }) =>
  Promise.resolve(together(connections, (gateway as { poolMaxIdlePerHost: number }).poolMaxIdlePerHost));

Deno.test("each gateway's pool is found, and each value that was tried is a run of the results", async () => {
  const document = await find("connections", pools);
  assertDescribed(document);
  assertEquals(foundIn(document).map(({ series, holds, fails }) => [series, holds?.value, fails?.value]), [
    ["pool-30", 30, 32],
    ["pool-400", 400, 420],
  ]);
  assertEquals(
    document.runs.slice(0, 3).map(({ name, series, swept, baseline, repetitions }) => [
      ...[name, series, swept, baseline, repetitions.length],
    ]),
    [
      ["pool-30 connections=1000", "pool-30", [{ name: "connections", value: 1000 }], true, 1],
      ["pool-30 connections=30", "pool-30", [{ name: "connections", value: 30 }], false, 3],
      ["pool-30 connections=32", "pool-30", [{ name: "connections", value: 32 }], false, 3],
    ],
  );
  assertEquals(document.runs.filter(({ baseline }) => baseline).length, 1);
});

Deno.test("the highest rate is found that keeps what was promised", async () => {
  const document = await find("rate=100..2000", ({ load: { ratePerSec } }) => {
    const one = repetition(ratePerSec!, { opened: 0 });
    return Promise.resolve({ ...one, latencyUs: { ...one.latencyUs, p99: ratePerSec! > 700 ? 300_000 : 9 } });
  }, { slo: "p99<=200ms" });
  for (const { holds, fails } of foundIn(document)) {
    assertLessOrEqual(holds!.value, 700);
    assertLessOrEqual(700, fails!.value);
    assertLessOrEqual(fails!.value / holds!.value, 1.08);
    assertEquals(fails!.why.map(({ figure }) => figure), ["p99"]);
  }
});

Deno.test("a gateway that cannot be measured is given up after two values, and the next one is found", async () => {
  let calls = 0;
  const document = await find("connections", (options, context) => {
    if ((options.gateway as { poolMaxIdlePerHost: number }).poolMaxIdlePerHost === 400) {
      return pools(options, context);
    }
    calls++;
    return Promise.reject(new Error("it does not start"));
  });
  assertEquals(calls, 2);
  assertEquals(foundIn(document).map(({ holds }) => holds?.value), [undefined, 400]);
});

Deno.test("a limit on connections is seen in the second value, and ends the bisection", async () => {
  const document = await find("connections", ({ load: { connections } }) => {
    const hosts = repetition(1, { opened: Math.min(10, connections) }).hosts;
    return Promise.resolve({ ...together(connections, connections), hosts });
  });
  assertEquals(foundIn(document).map(({ cap, tried }) => [cap, tried.length <= 4]), [[10, true], [10, true]]);
});

Deno.test("an interrupted bisection returns what it has tried, and every result was handed on", async () => {
  const controller = new AbortController();
  const kept: number[] = [];
  let calls = 0;
  const document = await find("connections", (options, context) => {
    if (++calls === 3) controller.abort();
    return pools(options, context);
  }, {
    signal: controller.signal,
    onResults: (results) => {
      kept.push(results.runs.flatMap(({ repetitions }) => repetitions).length);
      return Promise.resolve();
    },
  });
  assertEquals([document.interrupted, calls], [true, 3]);
  assertEquals(document.runs.every(({ series }) => series === "pool-30"), true);
  assertEquals(kept[0], 0);
  assertEquals(kept.at(-1)! >= 2, true);
});

Deno.test("for a pool all connections are sent on together, while the backend takes its time for all of them", () => {
  const { runs } = resolveScenario(SCENARIO, "mine");
  const looked = parseFind("connections", { connections: 1000 });
  assertEquals(runsToFind(runs, looked).map(({ name }) => name), ["pool-30", "pool-400"]);
  const { options: { load, backend } } = stepOf(runs[1]!, looked, 200);
  assertEquals([load.connections, load.warmUpMs, load.durationMs % 1000], [200, 0, 0]);
  // Time for 200 requests before the first answer, and as much after the last one.
  assertLessOrEqual(100, backend.latencyMs);
  assertLessOrEqual(backend.latencyMs + 100, load.beatMs!);
  assertLessOrEqual(4 * load.beatMs!, load.durationMs);
});

Deno.test("what the options fix is not varied, and what they vary takes the place of the scenario's", () => {
  const scenario: Scenario = { ...SCENARIO, sweep: { connections: [1, 2], latency: ["5ms"] } };
  assertEquals(sweepOf(scenario, { load: { connections: 9 } }), { latency: ["5ms"] });
  assertEquals(sweepOf(scenario, { sweep: { connections: "3" } }), { connections: "3", latency: ["5ms"] });
  assertEquals(sweepOf(scenario, { load: { connections: undefined }, backend: { latency: 0 } }), {
    connections: [1, 2],
  });
  assertEquals(findOf(resolveScenario(scenario, "mine"), {}), undefined);
});

Deno.test("on given hosts a pool is found by one client, and where the gateway is watched", async () => {
  const runs = [{ name: "mine", gateway: { running: true } }] as const;
  const there = { question: "How large?", url: "http://gw1:8080/", runs, load: { connections: 1000 } };
  const problemOf = async (hosts: Hosts) =>
    (await assertRejects(() => planBench({ ...there, hosts }, { find: "connections" }), TimewaitError))
      .message;
  assertStringIncludes(await problemOf({ client: ["a", "b"], gateway: "c" }), "which is for one client");
  assertStringIncludes(await problemOf({ client: "a" }), "give its host as well");
});

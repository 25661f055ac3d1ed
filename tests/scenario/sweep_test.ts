import { assert, assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import type { NetHttpPlan } from "../../tools/scenario/plan.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import type { Scenario, Sweep } from "../../tools/scenario/scenario.ts";
import { settingNames } from "../../tools/scenario/settings.ts";
import { MOST_RUNS, sweepPlan } from "../../tools/scenario/sweep.ts";

const SCENARIO: Scenario = {
  question: "Which?",
  baseline: "small",
  runs: [
    { name: "direct" },
    { name: "small", gateway: { transport: "net-http", workers: 2 } },
    { name: "fetch", gateway: { poolMaxIdlePerHost: 100 } },
  ],
};

const swept = (sweep: Sweep, scenario = SCENARIO) => sweepPlan(resolveScenario(scenario, "mine"), sweep);
const names = (sweep: Sweep, scenario = SCENARIO) => swept(sweep, scenario).runs.map(({ name }) => name);

/** The values of connections that a text comes to. */
function valuesOf(connections: Sweep[string]): number[] {
  return swept({ connections }, { ...SCENARIO, baseline: undefined, runs: [{ name: "direct" }] }).runs
    .map(({ options }) => options.load.connections);
}

Deno.test("a sweep makes a run of each value, for each run of the scenario, named for both", () => {
  assertEquals(names({ connections: [50, 100] }), [
    ...["direct connections=50", "direct connections=100"],
    ...["small connections=50", "small connections=100"],
    ...["fetch connections=50", "fetch connections=100"],
  ]);
});

Deno.test("the only run of a scenario is named for its values alone, and says which run it is of", () => {
  const alone = { ...SCENARIO, baseline: undefined, runs: [{ name: "direct" }] };
  assertEquals(
    swept({ connections: "5,6", latency: ["10ms"] }, alone).runs.map(({ name, series, swept }) => [
      name,
      series,
      swept,
    ]),
    [5, 6].map((value) => [`connections=${value} latency=10ms`, "direct", [
      { name: "connections", value },
      { name: "latencyMs", value: 10 },
    ]]),
  );
});

Deno.test("values are a list, ranges that double up to their last value, or ranges in equal steps", () => {
  assertEquals(valuesOf("50,100,200"), [50, 100, 200]);
  assertEquals(valuesOf("50..1000"), [50, 100, 200, 400, 800, 1000]);
  assertEquals(valuesOf("50..400"), [50, 100, 200, 400]);
  assertEquals(valuesOf("50..1000/5"), [50, 288, 525, 763, 1000]);
  assertEquals(valuesOf("1000, 1..4, 7"), [1, 2, 4, 7, 1000]);
  assertEquals(valuesOf(["10..20", 15, 10]), [10, 15, 20]);
});

Deno.test("a value has the unit that its option takes, and stands in the options in that of the plan", () => {
  const { runs } = swept({ latency: "10ms..40ms", bodyBytes: ["1KiB"], duration: "2s", rate: [100] });
  assertEquals(runs.length, 9);
  assertEquals(runs.slice(0, 3).map(({ options }) => options.backend.latencyMs), [10, 20, 40]);
  const { backend, load } = runs[0]!.options;
  assertEquals([backend.bodyBytes, load.durationMs, load.ratePerSec], [1024, 2000, 100]);
});

Deno.test("a setting of a gateway makes runs of the gateways that have it, and leaves the others", () => {
  assertEquals(names({ maxIdleConns: [5, 10] }), [
    ...["direct", "small maxIdleConns=5", "small maxIdleConns=10", "fetch"],
  ]);
  const [, five] = swept({ maxIdleConns: [5, 10] }).runs;
  assertEquals((five!.options.gateway as NetHttpPlan).maxIdleConns, 5);
  assertEquals(names({ workers: [3] }), ["direct", "small workers=3", "fetch workers=3"]);
});

Deno.test("several settings make a grid, in which a run has those that it knows", () => {
  assertEquals(names({ connections: [1, 2], maxIdleConns: [5, 10] }).slice(0, 7), [
    ...["direct connections=1", "direct connections=2"],
    ...[1, 2].flatMap((n) => [5, 10].map((max) => `small connections=${n} maxIdleConns=${max}`)),
    "fetch connections=1",
  ]);
});

Deno.test("the baseline is that of the scenario, at its first value, and there is one", () => {
  const { runs } = swept({ connections: [1, 2] });
  assertEquals(runs.filter(({ baseline }) => baseline).map(({ name }) => name), ["small connections=1"]);
});

Deno.test("threads divide the connections at each value, and workers are no more than connections", () => {
  const scenario: Scenario = { ...SCENARIO, load: { connections: 12, threads: 4 } };
  assertEquals(
    swept({ connections: [6, 7, 8] }, scenario).runs.slice(0, 3).map(({ options }) => options.load.threads),
    [3, 1, 4],
  );
  const [, one] = swept({ maxConnsPerHost: [1, 5] }).runs;
  assertEquals((one!.options.gateway as NetHttpPlan).workers, 1);
});

Deno.test("what cannot be swept is refused in one line, which names the sweep", () => {
  const refused: [Sweep, string][] = [
    [
      { conections: "1" },
      "sweep conections=1: conections is no numeric setting of load, backend or gateway; did you mean connections?",
    ],
    [{ connections: "many" }, 'sweep connections=many: must be a whole number of at least 1, not "many"'],
    [{ latency: "20" }, 'sweep latency=20: takes a duration such as 500ms, 10s or 2m, not "20"'],
    [{ connections: "9..5" }, "sweep connections=9..5: 9..5 goes down: give the lower value first"],
    [
      { latency: "0..8ms" },
      "sweep latency=0..8ms: 0..8ms begins at 0, which does not double: give 0..8ms/5 for five values",
    ],
    [
      { connections: "1..9/1" },
      "sweep connections=1..9/1: 1..9/1 takes from 2 to 100 values, both ends among them",
    ],
    [{ connections: "1..x/4" }, 'sweep connections=1..x/4: must be a whole number of at least 1, not "x"'],
    [{ connections: [] }, "sweep connections: has no value"],
    [{ connections: "5,," }, 'sweep connections=5,,: has no value ""'],
    [{ disableKeepAlives: "1" }, "sweep disableKeepAlives=1: disableKeepAlives is no numeric setting"],
    [{ connections: "1..100/60" }, "sweep makes 180 runs, and 100 are the most: give fewer values"],
  ];
  for (const [sweep, message] of refused) {
    const error = assertThrows(() => swept(sweep), TimewaitError);
    assert(error.message.startsWith(message), error.message);
    assertEquals(error.field, "sweep");
    assert(!error.message.includes("\n"));
  }
  const error = assertThrows(
    () => swept({ maxIdleConns: "1" }, { ...SCENARIO, baseline: "direct", runs: [{ name: "direct" }] }),
    TimewaitError,
  );
  assertEquals(
    error.message,
    "sweep maxIdleConns is a setting of the transport net-http, and no run of this scenario is one",
  );
  assertEquals(swept({ connections: `1..100/33` }).runs.length, MOST_RUNS - 1);
});

Deno.test("every numeric option of load, backend and gateway can be swept", () => {
  const known = settingNames();
  const wanted = ["connections", "threads", "duration", "warmUp", "timeout", "rate", "latency", "bodyBytes"]
    .concat("status", "poolMaxIdlePerHost", "poolIdleTimeout", "workers", "maxIdleConns", "dialTimeout")
    .concat("maxIdleConnsPerHost", "maxConnsPerHost", "idleConnTimeout", "responseHeaderTimeout");
  assertEquals(wanted.filter((name) => !known.includes(name)), []);
  assert(!known.includes("disableKeepAlives"));
});

Deno.test("a sweep leaves what it is given as it is", () => {
  const plan = resolveScenario(SCENARIO, "mine");
  const before = structuredClone(plan);
  sweepPlan(plan, { connections: "1..8" });
  assertEquals(plan, before);
  assertEquals(sweepPlan(plan, {}), plan);
});

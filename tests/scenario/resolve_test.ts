import { assert, assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import {
  type Overrides,
  resolveGateway,
  resolveLoad,
  resolveScenario,
} from "../../tools/scenario/resolve.ts";
import type { Scenario } from "../../tools/scenario/scenario.ts";

const DIRECT: Scenario = { question: "Why?", runs: [{ name: "direct" }] };

/** The message of the error that a scenario is refused with. */
function refusal(scenario: unknown, overrides: Overrides = {}): string {
  return assertThrows(() => resolveScenario(scenario as Scenario, "mine", overrides), TimewaitError).message;
}

/** The second run, with this in it. */
function run(options: object): unknown {
  return { ...DIRECT, runs: [{ name: "direct" }, { name: "second", ...options }] };
}

const REFUSED: [what: string, scenario: unknown, message: string][] = [
  ["a number", 42, "a scenario must be an object such as { question: …, runs: […] }, not 42"],
  ["null", null, "a scenario must be an object such as { question: …, runs: […] }, not null"],
  ["a list", [DIRECT], "a scenario must be an object such as { question: …, runs: […] }, not ["],
  ["no question", { runs: DIRECT.runs }, "question is needed: what does the scenario answer?"],
  ["an empty question", { ...DIRECT, question: " " }, 'question must be text, not " "'],
  ["a question of two lines", { ...DIRECT, question: "a\nb" }, 'question must be one line, not "a\\nb"'],
  ["an expectation that is no text", { ...DIRECT, expectation: null }, "expectation must be text, not null"],
  ["an unknown option", { ...DIRECT, qestion: "" }, "qestion is no option; did you mean question?"],
  ["no runs", { question: "Why?" }, "runs must be a list, not undefined"],
  ["runs that are no list", { ...DIRECT, runs: { name: "a" } }, 'runs must be a list, not {"name":"a"}'],
  ["an empty list of runs", { ...DIRECT, runs: [] }, "runs is empty"],
  ["a run that is null", { ...DIRECT, runs: [null] }, "runs[0] must be an object, not null"],
  ["a hole in the list", { ...DIRECT, runs: [, { name: "a" }] }, "runs[0] must be an object, not null"],
  ["a run without a name", { ...DIRECT, runs: [{}] }, "runs[0].name is needed"],
  ["a name that is no text", { ...DIRECT, runs: [{ name: 1 }] }, "runs[0].name must be text, not 1"],
  ["a name with a backtick", { ...DIRECT, runs: [{ name: "a`" }] }, "runs[0].name must be without backticks"],
  ["a name with an escape", { ...DIRECT, runs: [{ name: "a\x1b[0m" }] }, "runs[0].name must be one line"],
  ["a name twice", run({ name: "direct" }), 'runs[1].name is taken: two runs are named "direct"'],
  ["a baseline that is no run", { ...DIRECT, baseline: "dirct" }, "; did you mean direct?"],
  ["a baseline that is no text", { ...DIRECT, baseline: 0 }, "baseline must be text, not 0"],
  ["a misspelt option of a run", run({ gatway: {} }), "runs[1].gatway is no option; did you mean gateway?"],
  [
    "a probe that is no truth",
    { ...DIRECT, probeConnects: "yes" },
    'probeConnects must be true or false, not "yes"',
  ],
  ["a side that is no truth", run({ loopback: 1 }), "runs[1].loopback must be true or false, not 1"],

  [
    "a unit in a name",
    { ...DIRECT, backend: { latencyMs: 1 } },
    "backend.latencyMs is no option; did you mean latency?",
  ],
  [
    "a unit in a load's name",
    run({ load: { durationMs: 1 } }),
    "runs[1].load.durationMs is no option; did you mean duration?",
  ],
  [
    "a rate with its unit",
    run({ load: { ratePerSec: 1 } }),
    "runs[1].load.ratePerSec is no option; did you mean rate?",
  ],
  ["a load that is no object", run({ load: 5 }), "runs[1].load must be an object, not 5"],
  ["a load that is null", { ...DIRECT, load: null }, "load must be an object, not null"],
  [
    "a number as text",
    { ...DIRECT, load: { connections: "5" } },
    'load.connections must be a whole number of at least 1, not "5"',
  ],
  [
    "NaN",
    run({ load: { connections: NaN } }),
    "runs[1].load.connections must be a whole number of at least 1, not NaN",
  ],
  [
    "a negative number",
    run({ load: { rate: -1 } }),
    "runs[1].load.rate must be a whole number from 1 to 1000000, not -1",
  ],
  [
    "a fraction",
    run({ load: { threads: 1.5 } }),
    "runs[1].load.threads must be a whole number of at least 1, not 1.5",
  ],
  [
    "a BigInt",
    run({ load: { connections: 5n } }),
    "runs[1].load.connections must be a whole number of at least 1, not 5",
  ],
  [
    "a duration without a unit",
    run({ load: { duration: "5" } }),
    'runs[1].load.duration takes a duration such as 500ms, 10s or 2m, not "5"',
  ],
  [
    "a duration that is null",
    run({ load: { warmUp: null } }),
    "runs[1].load.warmUp takes a duration such as 500ms, 10s or 2m, not null",
  ],
  [
    "a duration without end",
    run({ load: { timeout: 1e9 } }),
    "runs[1].load.timeout takes at most 24h, not 1000000000ms",
  ],
  [
    "headers that are no list",
    run({ load: { headers: "A: 1" } }),
    'runs[1].load.headers must be a list, not "A: 1"',
  ],
  [
    "a header that is no text",
    run({ load: { headers: ["A: 1", 2] } }),
    "runs[1].load.headers[1] must be text, not 2",
  ],
  ["a script that is no text", run({ load: { script: true } }), "runs[1].load.script must be text, not true"],

  [
    "a size that is no size",
    run({ backend: { bodyBytes: "1.5KiB" } }),
    'runs[1].backend.bodyBytes takes a size such as 512, 64KiB or 32MiB, not "1.5KiB"',
  ],
  [
    "a size that is too large",
    { ...DIRECT, backend: { bodyBytes: "257MiB" } },
    "backend.bodyBytes takes up to 256MiB, not 257MiB",
  ],
  [
    "a status that is none",
    run({ backend: { status: 600 } }),
    "runs[1].backend.status must be a whole number from 200 to 599, not 600",
  ],

  ["sysctls that are a list", run({ sysctls: ["a=1"] }), 'runs[1].sysctls must be an object, not ["a=1"]'],
  ["sysctls that are null", { ...DIRECT, sysctls: null }, "sysctls must be an object, not null"],
  [
    "a sysctl of the machine",
    run({ sysctls: { "vm.swappiness": 1 } }),
    "runs[1].sysctls takes keys below net.",
  ],
  [
    "a sysctl that is no text",
    run({ sysctls: { "net.core.somaxconn": [1] } }),
    "runs[1].sysctls takes text or a number for net.core.somaxconn, not [1]",
  ],

  ["a gateway that is null", run({ gateway: null }), "runs[1].gateway must be an object, not null"],
  [
    "a gateway that is a text",
    run({ gateway: "./gw" }),
    'runs[1].gateway must be an object such as { command: … }, not "./gw"',
  ],
  [
    "a transport that is none",
    run({ gateway: { transport: "http" } }),
    'runs[1].gateway.transport takes http-client or net-http, not "http"',
  ],
  [
    "an option of the other transport",
    run({ gateway: { maxIdleConns: 5 } }),
    'runs[1].gateway.maxIdleConns is an option of the transport net-http: add transport: "net-http"',
  ],
  [
    "an option of http-client",
    run({ gateway: { transport: "net-http", poolMaxIdlePerHost: 5 } }),
    "runs[1].gateway.poolMaxIdlePerHost is an option of the transport http-client",
  ],
  [
    "a pool as text",
    run({ gateway: { poolMaxIdlePerHost: "5" } }),
    'runs[1].gateway.poolMaxIdlePerHost must be a whole number of at least 0, not "5"',
  ],
  [
    "a pool of net-http below 0",
    run({ gateway: { transport: "net-http", maxIdleConns: -1 } }),
    "runs[1].gateway.maxIdleConns must be a whole number of at least 0, not -1",
  ],
  [
    "a time of net-http",
    run({ gateway: { transport: "net-http", idleConnTimeout: NaN } }),
    "runs[1].gateway.idleConnTimeout takes a duration such as 500ms, 10s or 2m, not NaN",
  ],
  [
    "a switch of net-http",
    run({ gateway: { transport: "net-http", disableKeepAlives: "no" } }),
    'runs[1].gateway.disableKeepAlives must be true or false, not "no"',
  ],
  [
    "sockets of net-http",
    run({ gateway: { transport: "net-http", sockets: "kqueue" } }),
    'runs[1].gateway.sockets takes deno or epoll, not "kqueue"',
  ],
  [
    "no workers",
    run({ gateway: { workers: 0 } }),
    "runs[1].gateway.workers must be a whole number of at least 1, not 0",
  ],
  [
    "a misspelt command",
    run({ gateway: { comand: "gw {listen}" } }),
    "runs[1].gateway.comand is no option; did you mean command?",
  ],
  [
    "a command with options",
    run({ gateway: { command: "gw {listen}", workers: 2 } }),
    "runs[1].gateway.workers is no option of a command",
  ],
  [
    "a command with a placeholder that is none",
    run({ gateway: { command: "gw {lisen}" } }),
    "runs[1].gateway.command has no placeholder {lisen}; did you mean listen?",
  ],
];

for (const [what, scenario, message] of REFUSED) {
  Deno.test(`a scenario is refused that has or is ${what}`, () => {
    const told = refusal(scenario);
    assert(told.includes(message), told);
    assert(!told.includes("\n"), "one line");
  });
}

Deno.test("an error names the place where the value was said", () => {
  const runs = [{ name: "a", load: { threads: 1 } }, { name: "b", backend: { status: 204 } }];
  assertEquals(refusal({ ...DIRECT, runs, load: { rate: 0 } }).split(" ")[0], "load.rate");
  assertEquals(refusal({ ...DIRECT, runs, backend: { latency: -1 } }).split(" ")[0], "backend.latency");
  assertEquals(refusal({ ...DIRECT, runs }, { load: { connections: 0 } }).split(" ")[0], "load.connections");
});

Deno.test("overrides hold over a run, a run over its scenario, and undefined says nothing", () => {
  const scenario: Scenario = {
    ...DIRECT,
    load: { connections: 10, duration: "1s", timeout: "3s", warmUp: 0 },
    backend: { latency: 1, status: 201 },
    sysctls: { "net.ipv4.tcp_tw_reuse": 0, "net.core.somaxconn": 1 },
    runs: [{
      name: "a",
      load: { duration: "2s", timeout: undefined, warmUp: "2s" },
      backend: { latency: 2, status: undefined },
      sysctls: { "net.ipv4.tcp_tw_reuse": 1, "net/core/somaxconn": 2 },
    }],
  };
  const [run] = resolveScenario(scenario, "mine", {
    load: { duration: undefined, warmUp: 3_000, connections: 12 },
    backend: { latency: undefined, bodyBytes: "1KiB" },
    sysctls: { "gateway:net.core.somaxconn": 3 },
  }).runs;
  const { load, backend, sysctls } = run!.options;
  assertEquals([load.connections, load.durationMs, load.warmUpMs, load.timeoutMs], [12, 2_000, 3_000, 3_000]);
  assertEquals(backend, { latencyMs: 2, bodyBytes: 1024, status: 201 });
  assertEquals(sysctls, { "net.ipv4.tcp_tw_reuse": "1", "net.core.somaxconn": "3" });
});

Deno.test("threads that a scenario asks for give way to connections that an override asks for", () => {
  const scenario = { ...DIRECT, load: { connections: 100, threads: 10 } };
  const threads = (connections: number) =>
    resolveScenario(scenario, "mine", { load: { connections } }).runs[0]!.options.load.threads;
  assertEquals([threads(50), threads(15), threads(7)], [10, 5, 7]);
});

const GATEWAYS = [
  undefined,
  {},
  { poolMaxIdlePerHost: 0, poolIdleTimeout: false, workers: 2 },
  { poolMaxIdlePerHost: false, poolIdleTimeout: "0" },
  { transport: "net-http" },
  { transport: "net-http", sockets: "epoll" },
  { transport: "net-http", maxConnsPerHost: 1, idleConnTimeout: 0, disableKeepAlives: true },
  { command: "gw {listen} 'a\\b' {upstream}" },
] as const;
const LOADS = [undefined, {}, { warmUp: -0, headers: ["A: 1"], rate: 5, script: "a b.lua" }];
const BACKENDS = [undefined, { latency: -0, status: 204 }, { bodyBytes: 0, latency: "1.5ms" }] as const;

Deno.test("a plan survives its way as JSON, whatever it holds", () => {
  for (const gateway of GATEWAYS) {
    for (const load of LOADS) {
      for (const backend of BACKENDS) {
        for (const loopback of [undefined, false, true]) {
          const runs = [{ name: "a", gateway, load, backend, loopback, probeConnects: loopback }];
          const plan = resolveScenario(
            { question: "Why?", expectation: undefined, runs } as Scenario,
            "mine",
          );
          assertEquals(JSON.parse(JSON.stringify(plan)), plan);
        }
      }
    }
  }
});

Deno.test("a plan names the sockets of a gateway where they are not Deno's own", () => {
  const sockets = (gateway: object) =>
    Object.entries(resolveGateway(gateway)).filter(([key]) => key === "sockets");
  assertEquals(sockets({ transport: "net-http" }), []);
  assertEquals(sockets({ transport: "net-http", sockets: "deno" }), []);
  assertEquals(sockets({ transport: "net-http", sockets: "epoll" }), [["sockets", "epoll"]]);
});

Deno.test("no worker is without a connection, and a pool without limits stays so", () => {
  const netHttp = resolveGateway({ transport: "net-http", workers: 8, maxConnsPerHost: 3, maxIdleConns: 0 });
  assert("workers" in netHttp);
  assertEquals(netHttp.workers, 3);
  assertEquals(resolveGateway({ poolMaxIdlePerHost: false, poolIdleTimeout: false }), {
    transport: "http-client",
    poolMaxIdlePerHost: false,
    poolIdleTimeoutMs: false,
    workers: 1,
  });
});

Deno.test("the probe is for runs with a gateway, and one run may do without", () => {
  const runs = [{ name: "a" }, { name: "b", gateway: {} }, { name: "c", gateway: {}, probeConnects: false }];
  const plan = resolveScenario({ ...DIRECT, runs, probeConnects: true }, "mine");
  assertEquals(plan.runs.map((run) => run.options.probeConnects ?? false), [false, true, false]);
});

// What the types must take, as plain objects.
({
  question: "Why?",
  load: { duration: "2s", warmUp: 0 },
  runs: [
    {
      name: "a",
      gateway: { transport: "net-http", idleConnTimeout: "90s" },
      backend: { bodyBytes: "64KiB" },
    },
    { name: "b", gateway: { poolIdleTimeout: false }, load: { rate: undefined } },
    { name: "c", gateway: { command: "gw {listen}" }, sysctls: { "net.ipv4.tcp_tw_reuse": 1 } },
  ],
}) satisfies Scenario;

Deno.test("bursts, methods, bodies and clients that leave are resolved, and left out where nothing is said", () => {
  const { burst, method, requestBodyBytes, abandon } = resolveLoad({
    burst: { on: "1s", off: "500ms" },
    requestBody: "4KiB",
    abandon: 0.01,
  });
  assertEquals(burst, { onMs: 1000, offMs: 500 });
  assertEquals([method, requestBodyBytes], ["POST", 4096]);
  assertEquals(abandon, { share: 0.01, afterMs: 50 });
  const plain = resolveLoad({ method: "GET", abandon: 0 });
  for (const key of ["burst", "method", "requestBodyBytes", "abandon"]) {
    assertEquals(key in plain, false, key);
  }
});

for (
  const [load, field] of [
    [{ burst: { on: 0, off: 100 } }, "load.burst"],
    [{ burst: { on: 100 } }, "load.burst"],
    [{ burst: { on: 100, off: 100, of: 1 } }, "load.burst.of"],
    [{ method: "HEAD" }, "load.method"],
    [{ requestBody: "17MiB" }, "load.requestBody"],
    [{ abandon: 2 }, "load.abandon"],
    [{ abandonAfter: 10 }, "load.abandonAfter"],
  ] as const
) {
  Deno.test(`a load with ${JSON.stringify(load)} is refused at ${field}`, () => {
    const error = assertThrows(() => resolveLoad(load as never), TimewaitError);
    assertEquals(error.field, field);
  });
}

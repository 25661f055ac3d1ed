import { TimewaitError } from "../../tools/errors.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import { plotsOf } from "../../tools/report/plots/plots.ts";
import { parseResults, readResults } from "../../tools/results/read.ts";
import { measuredOf, type Run, SCHEMA } from "../../tools/results/results.ts";
import type { NetHttpPlan } from "../../tools/scenario/plan.ts";
import { resolvePoolLimits } from "../../tools/transport/pool/limits.ts";
import { repetition, results, resultsOf, run } from "../support/made_up_results.ts";
import { assertDescribed, undescribed } from "../support/strict_schema.ts";
import { ROOT } from "../support/root.ts";

const WHOLE = JSON.stringify(results([
  run("direct", [repetition(100), { failed: "wrk was killed" }], null),
  run("pool-100", [repetition(50, { opened: 9, latencyHistogram: null })]),
]));

Deno.test("a document that was written is read as it was", () => {
  assertEquals(parseResults(WHOLE, "results.json"), JSON.parse(WHOLE));
});

Deno.test("a document kept before some fields were added is read, and what it lacks is not measured", async () => {
  const old = await readResults(`${ROOT}tests/results/kept/results_1.json`);
  assertEquals(old.schema, SCHEMA);
  assertEquals([old.method, old.environment.governors], [{ repeat: 1, until: null }, []]);
  for (const measured of old.runs.flatMap(measuredOf)) {
    assertEquals([measured.startedMs, measured.latencyHistogram, measured.machine], [null, null, null]);
  }
  assertDescribed(old);
  assert(renderReport(old).includes("| `pool-100`"));
});

Deno.test("a document kept before plans were resolved is read with the defaults that were in force", async () => {
  const old = await readResults(`${ROOT}tests/results/kept/results_1_net_http.json`);
  const gateways = old.runs.flatMap(({ options }) => options.gateway ?? []);
  assertEquals(gateways.length, 1);
  assertEquals(gateways[0], {
    transport: "net-http",
    ...resolvePoolLimits({ maxIdleConnsPerHost: 4 }),
    dialTimeoutMs: 5_000,
    responseHeaderTimeoutMs: 60_000,
    requestHeaderTimeoutMs: 5_000,
    workers: 2,
  });
  assertDescribed(old);
  assert(renderReport(old).includes("maxIdleConnsPerHost"));
});

Deno.test("limits that a kept document leaves out are filled in, and a damaged one is still found", () => {
  const partial = WHOLE.replace(
    /\{"transport":"http-client"[^}]*\}/,
    '{"transport":"net-http","maxIdleConns":7}',
  );
  const [, { options }] = parseResults(partial, "kept.json").runs as [Run, Run];
  assertEquals((options.gateway as NetHttpPlan).maxIdleConns, 7);
  assertEquals((options.gateway as NetHttpPlan).maxIdleConnsPerHost, 2);
  const damaged = partial.replace('"maxIdleConns":7', '"maxIdleConns":-7');
  assertThrows(
    () => parseResults(damaged, "kept.json"),
    TimewaitError,
    "runs[1].options.gateway.maxIdleConns",
  );
});

const REFUSED: [string, string, string][] = [
  ["a file cut off in the middle", WHOLE.slice(0, 500), "it is no JSON"],
  ["a foreign document", '{"name": "x"}', 'it has no "schema"'],
  ["a list", "[1]", 'it has no "schema"'],
  [
    "a version that is not known",
    '{"schema": "timewait.results/99"}',
    "is timewait.results/99, this Timewait reads",
  ],
  ["a document with nothing in it", '{"schema": "timewait.results/1"}', "damaged at the top"],
  [
    "a figure that is a text",
    WHOLE.replace('"requestsPerSec":50', '"requestsPerSec":"50"'),
    "runs[1].repetitions[0].requestsPerSec",
  ],
  ["a figure below 0", WHOLE.replace('"p99":101000', '"p99":-1'), "runs[0].repetitions[0].latencyUs.p99"],
  ["a figure that is missing", WHOLE.replace('"durationSec":8,', ""), "runs[0].repetitions[0]: "],
  ["a list where a run belongs", WHOLE.replace('"runs":[{', '"runs":[[],{'), "runs[0]"],
  ["an unknown lab", WHOLE.replace('"kind":"private"', '"kind":"public"'), "environment.lab.kind"],
  [
    "two runs of one name",
    WHOLE.replace('"name":"pool-100"', '"name":"direct"'),
    "runs[1].name: a second run named direct",
  ],
  [
    "a document without a baseline",
    WHOLE.replace('"baseline":true', '"baseline":false'),
    "one of them is the baseline",
  ],
  [
    "series of different lengths",
    WHOLE.replace('"timeMs":[0,4000,8000]', '"timeMs":[0,8000]'),
    "runs[0].repetitions[0].samples",
  ],
  [
    "a number beyond all measure",
    WHOLE.replace('"bytesRead":', '"bytesRead":1e308,"x":'),
    "repetitions[0].bytesRead: a number that is too large",
  ],
  ["a document nested too deep", "[".repeat(100_000), "nested more than 64 levels deep"],
  [
    "a document with a field that is nested too deep",
    `{"schema": "timewait.results/1", "\\"]]": ${'{"a":['.repeat(50_000)}`,
    "nested more than 64 levels deep",
  ],
  [
    "a number too large for any",
    WHOLE.replace('"bytesRead":', '"bytesRead":1e999,"x":'),
    "repetitions[0].bytesRead",
  ],
  [
    "a transport that there is not",
    WHOLE.replace('"transport":"http-client"', '"transport":"carrier"'),
    "gateway.transport",
  ],
  [
    "a pool below 0",
    WHOLE.replace('"poolMaxIdlePerHost":100', '"poolMaxIdlePerHost":-1'),
    "gateway.poolMaxIdlePerHost",
  ],
  [
    "half a request",
    WHOLE.replace('"requests":400,', '"requests":400.5,'),
    "runs[1].repetitions[0].requests",
  ],
  [
    "more reuse than all",
    WHOLE.replace(/"reuseRatio":0\.\d+/, '"reuseRatio":1.5'),
    "runs[1].repetitions[0].reuseRatio",
  ],
  ["no runs", WHOLE.replace(/"runs":\[.*\]/, '"runs":[]'), "damaged at runs"],
  ["a time that is none", WHOLE.replace("2026-11-22T12:00:00.000Z", "noon"), "damaged at startedAt"],
  ["a seed that is none", WHOLE.replace('"seed":1', '"seed":null'), "damaged at seed"],
  ["a name of two lines", WHOLE.replaceAll('"pool-100"', '"pool\\n## 100"'), "runs[1].name"],
  ["a name that leaves its quotes", WHOLE.replaceAll('"pool-100"', '"a` [b](c) `"'), "runs[1].name"],
  [
    "a probe with more times than connects",
    WHOLE.replace('"startedMs":0', '"connects":{"timeMs":[1,2],"connectUs":[3]},"startedMs":0'),
    "runs[0].repetitions[0].connects",
  ],
];
for (const [what, text, place] of REFUSED) {
  Deno.test(`${what} is refused with the place of the damage`, () => {
    const error = assertThrows(() => parseResults(text, "kept.json"), TimewaitError, place);
    assert(error.message.startsWith("kept.json is "), error.message);
  });
}

Deno.test("every byte that is lost from the end is noticed", () => {
  const text = JSON.stringify(resultsOf({ direct: [1] }));
  for (let length = 0; length < text.length; length += 97) {
    assertThrows(() => parseResults(text.slice(0, length), "kept.json"), TimewaitError);
  }
});

Deno.test("the schema describes every field that is written, and a reader puts up with those of a newer version", () => {
  const described = JSON.parse(WHOLE);
  assertDescribed(described);
  const newer = structuredClone(described);
  newer.runs[0].repetitions[0].latencyUs.p9999 = 1;
  assertEquals(undescribed(newer).length, 1);
  assertEquals(parseResults(JSON.stringify(newer), "newer.json"), newer);
});

Deno.test("brackets in a text are no nesting", () => {
  const text = `${"[{".repeat(100)}\\" \\\\ " ${"{".repeat(100)}`;
  const document = WHOLE.replace('"expectation":"Much."', `"expectation":${JSON.stringify(text)}`);
  assertEquals(parseResults(document, "kept.json").expectation, text);
});

Deno.test("what every object has is no field of a document, and cannot stand in for one", () => {
  const smuggled = WHOLE.replace('"environment":{', '"environment":{"__proto__":{"governors":["x"]},')
    .replace('"governors":[],', "");
  assertEquals(parseResults(smuggled, "kept.json").environment.governors, []);
  const replaced = WHOLE.replace('"kernel":"6.18.0",', '"__proto__":{"kernel":"6.18.0"},');
  assertThrows(() => parseResults(replaced, "kept.json"), TimewaitError, "damaged at environment");
  assertEquals(({} as Record<string, unknown>).kernel, undefined);
});

Deno.test("what is no file of results by its size is refused before it is read", async () => {
  const huge = await Deno.makeTempFile();
  try {
    await Deno.truncate(huge, 2 ** 40);
    for (const path of [huge, "/dev/zero"]) {
      await assertRejects(() => readResults(path), TimewaitError, "which no bench writes");
    }
  } finally {
    await Deno.remove(huge);
  }
});

Deno.test("figures that are 0 or beyond all measure are rendered, and nothing comes out as no number", () => {
  const document = JSON.parse(WHOLE);
  const found: string[] = [];
  const visit = (holder: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(holder)) {
      if (typeof value === "object" && value !== null) visit(value as Record<string, unknown>);
      if (typeof value !== "number" || Array.isArray(holder)) continue;
      for (const strange of [0, 5e-324, Number.MAX_SAFE_INTEGER, 1e308]) {
        holder[key] = strange;
        const text = JSON.stringify(document);
        let read;
        try {
          read = parseResults(text, "kept.json");
        } catch (error) {
          assert(error instanceof TimewaitError, `${key}: ${error}`);
          continue;
        }
        const report = renderReport(read) + JSON.stringify(plotsOf(read));
        if (/NaN|undefined|Infinity|∞/.test(report)) found.push(`${key} ${strange}`);
      }
      holder[key] = value;
    }
  };
  visit(document.runs[1]);
  visit(document.environment);
  assertEquals(found, []);
});

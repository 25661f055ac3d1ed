import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../tools/command_line.ts";
import { renderReport } from "../../tools/report/markdown.ts";
import { parseResults, readResults } from "../../tools/results/read.ts";
import { measuredOf, SCHEMA } from "../../tools/results/results.ts";
import { repetition, results, resultsOf, run } from "../report/made_up_results.ts";
import { assertDescribed, undescribed } from "./strict_schema.ts";

const WHOLE = JSON.stringify(results([
  run("direct", [repetition(100), { failed: "wrk was killed" }], null),
  run("pool-100", [repetition(50, { opened: 9, latencyHistogram: null })]),
]));

Deno.test("a document that was written is read as it was", () => {
  assertEquals(parseResults(WHOLE, "results.json"), JSON.parse(WHOLE));
});

Deno.test("a document kept before some fields were added is read, and what it lacks is not measured", async () => {
  const old = await readResults(new URL("./kept/results_1.json", import.meta.url).pathname);
  assertEquals(old.schema, SCHEMA);
  assertEquals([old.method, old.environment.governors], [null, []]);
  for (const one of old.runs.flatMap(measuredOf)) {
    assertEquals([one.startedMs, one.latencyHistogram, one.machine], [null, null, null]);
  }
  assert(renderReport(old).includes("| `pool-100`"));
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
];
for (const [what, text, place] of REFUSED) {
  Deno.test(`${what} is refused with the place of the damage`, () => {
    const error = assertThrows(() => parseResults(text, "kept.json"), UsageError, place);
    assert(error.message.startsWith("kept.json is "), error.message);
  });
}

Deno.test("every byte that is lost from the end is noticed", () => {
  const text = JSON.stringify(resultsOf({ direct: [1] }));
  for (let length = 0; length < text.length; length += 97) {
    assertThrows(() => parseResults(text.slice(0, length), "kept.json"), UsageError);
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

// Kept documents, one for each kind of result, and the report of each as somebody last read it.
// `UPDATE_SNAPSHOTS=1` writes the reports anew.
//
// - exhaustion: `bench port_exhaustion --repeat 2 --duration 4s`.
// - knobs: `bench sysctl_knobs --repeat 2 --duration 3s`, five of its nine runs.
// - net_http: a pool of 20 and 10 idle connections, one of 50 and 50, and a run with another load and backend
//   than the baseline.
//
// All three are measured, and thinned since to keep them small: every second or third sample, and histograms
// of twelve buckets.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { renderComparison } from "../../tools/report/comparison_report.ts";
import { renderReport } from "../../tools/report/report.ts";
import { readResults } from "../../tools/results/read.ts";
import { analyse } from "../../tools/verdict/findings.ts";

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const keptOf = (name: string) => readResults(path(`../results/kept/${name}.json`));

async function assertSnapshot(text: string, name: string): Promise<void> {
  const file = path(`${name}.snapshot.md`);
  if (Deno.env.get("UPDATE_SNAPSHOTS") === "1") await Deno.writeTextFile(file, text);
  assertEquals(text, await Deno.readTextFile(file));
}

for (const name of ["exhaustion", "knobs", "net_http"]) {
  Deno.test(`the report of the kept document "${name}" is as it was when somebody last read it`, async () => {
    await assertSnapshot(renderReport(await keptOf(name)), name);
  });

  Deno.test(`the findings of the kept document "${name}" are JSON`, async () => {
    const findings = analyse(await keptOf(name));
    assertEquals(JSON.parse(JSON.stringify(findings)), findings);
  });
}

Deno.test("the comparison of two kept documents is as it was when somebody last read it", async () => {
  const before = await keptOf("net_http");
  const after = {
    ...before,
    runs: before.runs.map((run) =>
      run.name === "50-50"
        ? { ...run, options: { ...run.options, load: { ...run.options.load, connections: 40 } } }
        : run
    ),
  };
  const documents = [{ name: "before.json", results: before }, { name: "after.json", results: after }];
  const report = renderComparison(documents, []);
  assertStringIncludes(report, "another load");
  await assertSnapshot(report, "comparison");
});

import { delay } from "@std/async/delay";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { messageOf } from "../../tools/errors.ts";
import { openOutputs } from "../../tools/report/outputs.ts";
import { checkDocuments } from "../../tools/verdict/documents.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { repetition, results, run } from "../support/made_up_results.ts";

const RESULTS = results([
  run("direct", [repetition(100)], null),
  run("pool-100", [repetition(50, { opened: 90, timeWait: 80 })]),
]);

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
    // ECharts looks again, by a timer, at a plot that it has drawn.
    await delay(200);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const namesIn = (directory: string) => Array.from(Deno.readDirSync(directory), ({ name }) => name).toSorted();

Deno.test("a bench that ends early leaves no report of an earlier one beside its results", async () => {
  await inDirectory(async (out) => {
    await Deno.writeTextFile(`${out}/report.md`, "of yesterday");
    const { keep } = await openOutputs({ out });
    await keep(RESULTS);
    assertEquals(namesIn(out), ["results.json"]);
  });
});

Deno.test("the report is written with each plot that can be written, and the first error is told", async () => {
  await inDirectory(async (out) => {
    await Deno.mkdir(`${out}/time_wait.svg`);
    const { keep, finish } = await openOutputs({ out });
    await keep(RESULTS);
    assertMatch(messageOf(await finish(RESULTS)), /time_wait\.svg cannot be written: Is a directory/);
    const report = await Deno.readTextFile(`${out}/report.md`);
    assertStringIncludes(report, "| `pool-100`");
    const plots = namesIn(out).filter((name) => name.endsWith(".svg") && name !== "time_wait.svg");
    assert(plots.length > 0);
    assertEquals([...report.matchAll(/\]\((.*\.svg)\)/g)].map(([, file]) => file).toSorted(), plots);
  });
});

Deno.test("on a disk that is full after its first file, that file is the report", async () => {
  await inDirectory(async (out) => {
    const { keep, finish } = await openOutputs({ out });
    await keep(RESULTS);
    const writeTextFile = Deno.writeTextFile;
    let written = 0;
    Deno.writeTextFile = async (to, text, options) => {
      if (written++ > 0) throw new Error("No space left on device (os error 28)");
      await writeTextFile(to, text, options);
    };
    try {
      assertMatch(messageOf(await finish(RESULTS)), /No space left on device/);
    } finally {
      Deno.writeTextFile = writeTextFile;
    }
    // Nothing is written later either.
    await delay(200);
    assertEquals(namesIn(out), ["report.md", "results.json"]);
    const report = await Deno.readTextFile(`${out}/report.md`);
    assertStringIncludes(report, "```mermaid");
    assert(!report.includes(".svg"));
  });
});

Deno.test("a report that nothing can be written of is an error, and takes nothing else with it", async () => {
  await inDirectory(async (out) => {
    const { keep, finish } = await openOutputs({ out: `${out}/new`, html: `${out}/page.html` });
    await keep(RESULTS);
    await Deno.mkdir(`${out}/new/report.md`);
    assertMatch(messageOf(await finish(RESULTS)), /report\.md cannot be written/);
    assert((await Deno.readTextFile(`${out}/page.html`)).includes("pool-100"));
  });
});

Deno.test("gates that were checked are a section of the report and of the page", async () => {
  await inDirectory(async (out) => {
    const gates = [parseGate("pool-100:requestsPerSec>=1", "gate")];
    const checks = checkDocuments(gates, [{ name: RESULTS.scenario, results: RESULTS }]);
    const { keep, finish } = await openOutputs({ out, html: `${out}/page.html` });
    await keep(RESULTS);
    assertEquals(await finish(RESULTS, checks), undefined);
    assertMatch(await Deno.readTextFile(`${out}/report.md`), /\n## Gates\n[^]*`pool-100:requestsPerSec>=1`/);
    assertMatch(await Deno.readTextFile(`${out}/page.html`), /<h2>Gates<\/h2>[^]*pool-100:requestsPerSec/);
  });
});

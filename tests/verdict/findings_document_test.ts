import { assertEquals, assertGreater } from "@std/assert";
import { Validator } from "@cfworker/json-schema";
import { readResults } from "../../tools/results/read.ts";
import { findingsDocument, renderFindings } from "../../tools/verdict/findings_document.ts";
import { withProducts } from "../../tools/cli/findings_flags.ts";
import { repetition, results, run } from "../support/made_up_results.ts";
import { ROOT } from "../support/root.ts";

const schema = JSON.parse(await Deno.readTextFile(`${ROOT}tools/verdict/findings.schema.json`));

for (const name of ["exhaustion", "knobs", "net_http", "results_1", "results_1_net_http"]) {
  Deno.test(`the findings of the kept document "${name}" fit their schema, and name a cause for each gateway`, async () => {
    const document = await readResults(`${ROOT}tests/results/kept/${name}.json`);
    const findings = JSON.parse(renderFindings([{ results: document }]));
    assertEquals(new Validator(schema, "2020-12").validate(findings).errors, []);
    for (const { causes, hasGateway } of findings.runs) {
      if (hasGateway) assertGreater(causes.length, 0);
      else assertEquals(causes, []);
    }
  });
}

Deno.test("a document without a sureness does not fit the schema", () => {
  const document = JSON.parse(
    renderFindings([{ results: results([run("a", [repetition(5_000, { opened: 9 })])]) }]),
  );
  delete document.runs[0].causes[0].sure;
  assertEquals(new Validator(schema, "2020-12").validate(document).valid, false);
});

Deno.test("a product that somebody has said holds over the guess, for one run or for all, and never over our own", () => {
  const one = repetition(5_000, { opened: 20_000, timeWait: 19_000 });
  const document = results([
    run("mine", [one], { command: "nginx -c x {listen}" }),
    run("theirs", [one], { command: "./gw {listen}" }),
    run("ours", [one]),
  ]);
  const idsOf = (given: Parameters<typeof withProducts>[1]) =>
    findingsDocument([{ results: withProducts(document, given) }]).runs.map(({ product }) => product?.id);
  assertEquals(idsOf([]), ["nginx", undefined, "http-client"]);
  assertEquals(idsOf([{ id: "go" }]), ["go", "go", "http-client"]);
  assertEquals(idsOf([{ run: "theirs", id: "caddy" }]), ["nginx", "caddy", "http-client"]);
});

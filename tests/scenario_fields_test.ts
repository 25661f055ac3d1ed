// The README's table of all fields of a scenario is made from the types that an author writes.
// `UPDATE_SNAPSHOTS=1` writes it anew; `deno fmt` aligns it.

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "./support/root.ts";

const README = `${ROOT}README.md`;
const HEADING = "#### All fields of a scenario\n";

/** Where the fields of each interface stand in a scenario. */
const PLACES = {
  Scenario: "",
  Run: "runs[].",
  HttpClientGateway: "gateway.",
  NetHttpGateway: "gateway.",
  CommandGateway: "gateway.",
  ExistingGateway: "gateway.",
  OwnBackend: "backend.",
  CommandBackend: "backend.",
  ExistingBackend: "backend.",
  Hosts: "hosts.",
  Load: "load.",
  Burst: "load.burst.",
};

/** The rows of the table: field and what its documentation says. */
async function fields(): Promise<[string, string][]> {
  const source = await Deno.readTextFile(`${ROOT}tools/scenario/scenario.ts`);
  const interfaces = [...source.matchAll(/^export interface (\w+)[^{]*\{\n([^]*?)^\}/gm)];
  // A new interface has to be given its place.
  assertEquals(interfaces.map(([, name]) => name).toSorted(), Object.keys(PLACES).toSorted());
  return Object.entries(PLACES).flatMap(([wanted, place]) => {
    const [, , body] = interfaces.find(([, name]) => name === wanted)!;
    const members = [...body!.matchAll(/\/\*\*([^]*?)\*\/\s*readonly (\w+)\??:/g)];
    assertEquals(members.length, body!.match(/^ {2}readonly /gm)?.length, `${wanted}: each field has a text`);
    return members.map(([, text, name]): [string, string] => {
      const words = text!.replaceAll(/^\s*\* ?/gm, "").trim().replaceAll(/\s*\n\s*/g, " ");
      const of = wanted === "HttpClientGateway"
        ? "http-client: "
        : wanted === "NetHttpGateway"
        ? "net-http: "
        : wanted === "CommandBackend"
        ? "any program: "
        : "";
      return [`\`${place}${name}\``, (of + words).replaceAll("|", "\\|")];
    });
  });
}

/** The section of the README, without its heading, and where it stands. */
function section(readme: string): { readonly start: number; readonly end: number; readonly text: string } {
  const at = readme.indexOf(HEADING);
  assert(at >= 0, "the README has the section");
  const start = at + HEADING.length;
  const length = readme.slice(start).search(/^#/m);
  return { start, end: start + length, text: readme.slice(start, start + length) };
}

Deno.test("the README lists every field that a scenario may have, in the words of its documentation", async () => {
  const rows = await fields();
  if (Deno.env.get("UPDATE_SNAPSHOTS") === "1") {
    const readme = await Deno.readTextFile(README);
    const { start, end, text } = section(readme);
    const before = text.split(/^\|/m)[0]!.trimEnd();
    const table = [["field", "meaning"], ["---", "---"], ...rows].map((cells) => `| ${cells.join(" | ")} |`);
    const written = `${before}\n\n${table.join("\n")}\n\n`;
    await Deno.writeTextFile(README, readme.slice(0, start) + written + readme.slice(end));
  }
  const { text } = section(await Deno.readTextFile(README));
  const shown = text.split("\n").filter((line) => line.startsWith("|")).slice(2).map((line) =>
    line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
  );
  assertEquals(shown, rows);
});

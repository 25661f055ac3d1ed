/**
 * The report that compares kept results: a pure function of the documents, to Markdown.
 *
 * @module
 */

import { compareDocuments, type DocumentComparison, type NamedResults } from "../verdict/documents.ts";
import { analyse } from "../verdict/findings.ts";
import type { GateCheck } from "../verdict/gate.ts";
import { MACHINE_WARNINGS } from "../verdict/machine_warnings.ts";
import { changeCell, otherOptions } from "./cells.ts";
import { COLUMNS } from "./columns.ts";
import { nameLoop } from "./load.ts";
import { prose, showControlsIn } from "./markdown.ts";
import { joinSections, renderReport } from "./report.ts";
import { renderChanges } from "./sections/changes.ts";
import { renderDifferences } from "./sections/differences.ts";
import { renderGates } from "./sections/gates.ts";
import { sayWarning } from "./sections/warnings.ts";
import { renderRows } from "./table.ts";

export type { NamedResults };

/**
 * Renders the comparison of the first document with each of the others; of a document alone, its own report.
 */
export function renderComparison(compared: readonly NamedResults[], checks: readonly GateCheck[]): string {
  if (compared.length === 1) {
    return joinSections([[renderReport(compared[0]!.results).trimEnd()], renderGates(checks)]);
  }
  // From here on a document's name is Markdown.
  const documents = compared.map(({ name, results }) => ({
    name: prose(name),
    results: showControlsIn(results),
  }));
  const comparisons = compareDocuments(documents);
  const analysed = documents.map(({ name, results }) => ({ name, findings: analyse(results) }));
  const warnings = analysed.flatMap(({ name, findings }) =>
    findings.warnings.filter(({ kind }) => MACHINE_WARNINGS.has(kind))
      .map((warning) => `- ${name}: ${sayWarning(warning)}`)
  );
  return joinSections([
    renderChanges(documents, comparisons),
    renderDifferences(documents),
    ["## Figures", "", ...renderTable(analysed, comparisons)],
    [caption(documents, comparisons)],
    renderGates(checks),
    warnings.length === 0 ? [] : ["## Warnings", "", ...warnings],
  ]);
}

interface Analysed {
  readonly name: string;
  readonly findings: ReturnType<typeof analyse>;
}

function renderTable(documents: readonly Analysed[], comparisons: readonly DocumentComparison[]): string[] {
  const runNames = [...new Set(documents.flatMap(({ findings }) => findings.runs.map(({ name }) => name)))];
  const [requests, ...rest] = COLUMNS.filter((column) => !column.compares);
  const header = ["run", "results", requests!.header, `change against ${documents[0]!.name}`];
  const rows = runNames.flatMap((name) =>
    documents.flatMap(({ name: document, findings }) => {
      const run = findings.runs.find((run) => run.name === name);
      if (run === undefined) return [];
      const found = comparisons.find((one) => one.document === document && one.run === name);
      const change = found === undefined
        ? "–"
        : `${changeCell(found.comparison)}${otherOptions(found.differs)}`;
      return [[
        `\`${name}\``,
        document,
        requests!.cell(run),
        change,
        ...rest.map((column) => run.measured === 0 ? "–" : column.cell(run)),
      ]];
    })
  );
  return renderRows([...header, ...rest.map((column) => column.header)], rows, 2);
}

function caption(documents: readonly NamedResults[], compared: readonly DocumentComparison[]): string {
  const needed = compared.map(({ comparison }) => comparison)
    .filter(({ verdict }) => verdict === "too few repetitions")
    .map(({ repetitionsNeeded }) => repetitionsNeeded);
  const few = needed.length === 0
    ? ""
    : ` **Too few repetitions to show a difference**, however large: \`--repeat ${
      Math.max(...needed)
    }\` would be enough.`;
  const across = compared.some(({ differs }) => differs.length > 0)
    ? " Where the load or the backend is another, the change is not the gateway's alone."
    : "";
  const runs = documents.flatMap(({ results }) => results.runs);
  const loops = [...new Set(runs.map(({ options }) => nameLoop(options.load)))]
    .map((loop) => `${loop.startsWith("open") ? "an" : "a"} ${loop}`);
  return `Latencies are those of ${
    loops.join(" and ")
  }. Medians stand with the intervals that their repetitions give, ` +
    "changes of the medians with bootstrap intervals for 95%. The changes are tested with the exact Mann-Whitney test, " +
    `corrected for ${compared.length} comparisons (Holm).${few}${across} These results were measured at different times: ` +
    "whatever changed on the machine between them is in the change. A bench that measures both by turns compares them more " +
    "surely.";
}

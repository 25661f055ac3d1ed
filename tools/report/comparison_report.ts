/**
 * The report that compares kept results: a pure function of the documents, to Markdown.
 *
 * @module
 */

import { compareDocuments, type DocumentComparison, type NamedResults } from "../verdict/documents.ts";
import { analyse } from "../verdict/findings.ts";
import type { GateCheck } from "../verdict/gate_check.ts";
import { MACHINE_WARNINGS } from "../verdict/machine_warnings.ts";
import { measuredOf } from "../results/results.ts";
import { changeCell, otherOptions } from "./cells.ts";
import { COLUMNS } from "./columns.ts";
import { formatShare } from "./format.ts";
import { nameLoop } from "./load.ts";
import { prose, showControlsIn } from "./markdown.ts";
import { joinSections, renderReport } from "./report.ts";
import { renderChanges } from "./sections/changes.ts";
import { renderDifferences } from "./sections/differences.ts";
import { explainMedians } from "./sections/figures.ts";
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
  const header = ["run", "results", "measured", requests!.header, `change against ${documents[0]!.name}`];
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
        run.failed === 0 ? String(run.measured) : `${run.measured} of ${run.measured + run.failed}`,
        requests!.cell(run),
        change,
        ...rest.map((column) => run.measured === 0 ? "–" : column.cell(run)),
      ]];
    })
  );
  return renderRows([...header, ...rest.map((column) => column.header)], rows, 2);
}

function caption(documents: readonly NamedResults[], compared: readonly DocumentComparison[]): string {
  const across = compared.some(({ differs }) => differs.length > 0)
    ? " Where the load or the backend is another, the change is not the gateway's alone."
    : "";
  const runs = documents.flatMap(({ results }) => results.runs);
  const loops = [...new Set(runs.map(({ options }) => nameLoop(options.load)))]
    .map((loop) => `${loop.startsWith("open") ? "an" : "a"} ${loop}`);
  const medians = documents.flatMap(({ name, results }) =>
    results.runs.flatMap((run) => {
      const measured = measuredOf(run).length;
      return measured === 0 ? [] : [{ said: `\`${run.name}\` of ${name}`, measured }];
    })
  );
  return [
    `Latencies are those of ${loops.join(" and ")}.`,
    ...(medians.length === 0 ? [] : [explainMedians(medians)]),
    ...explainChanges(compared),
  ].join(" ") + across +
    " These results were measured at different times: whatever changed on the machine between them is in the change. A " +
    "bench that measures both by turns compares them more surely.";
}

function explainChanges(compared: readonly DocumentComparison[]): string[] {
  const measured = compared.filter(({ comparison }) => comparison.ratio !== undefined);
  const lacking = measured.filter(({ comparison }) => comparison.verdict === "too few repetitions");
  const tested = measured.length - lacking.length;
  const groups = Map.groupBy(measured, ({ comparison }) => formatShare(comparison.ratio!.confidence));
  const parts = [...groups].map(([share, group]) =>
    groups.size === 1 ? share : `${share} (${[...new Set(group.map(({ run }) => `\`${run}\``))].join(", ")})`
  );
  const corrected = tested < 2 ? "" : `, corrected for ${tested} comparisons (Holm)`;
  const needed = lacking[0]?.comparison.repetitionsNeeded;
  const of = tested === 0 ? "" : ` for ${lacking.map(({ run }) => `\`${run}\``).join(", ")}`;
  return [
    ...(measured.length === 0 ? [] : [
      `The intervals of the changes hold the true change in ${
        parts.join(", ")
      } of comparisons, if nothing else differs.`,
    ]),
    ...(tested === 0 ? [] : [
      `The changes are tested with the exact Mann-Whitney test${corrected}; their intervals are those of the test.`,
    ]),
    ...(needed === undefined ? [] : [
      `**Too few repetitions to show a difference**${of}, however large: ${needed} measured in each would be enough.`,
    ]),
  ];
}

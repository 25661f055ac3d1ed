/**
 * The report that compares kept results: a pure function of the documents, to Markdown.
 *
 * @module
 */

import { compareValues, type Comparison } from "../verdict/comparison.ts";
import type { GateCheck } from "../verdict/gate.ts";
import { measuredOf, type Results, type Run, servedPerSec } from "../results/results.ts";
import { changeCell, formatInterval } from "./cells.ts";
import { differencesOf, type NamedResults } from "./sections/differences.ts";
import { formatChange } from "./format.ts";
import { nameLoop } from "./sections/load.ts";
import { warnOfMachine } from "./sections/machine_warnings.ts";
import { COLUMNS, renderReport } from "./report.ts";
import { renderRows } from "./table.ts";

export type { NamedResults };

/** Renders the comparison of the first document with each of the others; of one alone, its own report. */
export function renderComparison(documents: readonly NamedResults[], checks: readonly GateCheck[]): string {
  const [first, ...others] = documents as [NamedResults, ...NamedResults[]];
  const gates = checks.length === 0 ? [] : ["## Gates", "", ...renderGates(checks)];
  if (others.length === 0) return [renderReport(first.results), ...gates].join("\n");
  const differences = differencesOf(documents);
  const warnings = documents.flatMap(({ name, results }) =>
    warnOfMachine(results).map((warning) => `${name}: ${warning}`)
  );
  const sections = [
    [`# ${others.map(({ name }) => name).join(", ")} against ${first.name}`],
    [
      "## What differs besides",
      "",
      ...(differences.length === 0
        ? ["Nothing that the results know of."]
        : differences.map((line) => `- ${line}`)),
    ],
    ["## Figures", "", ...renderTable(first, others)],
    [caption(first, others)],
    gates,
    warnings.length === 0 ? [] : ["## Warnings", "", ...warnings.map((warning) => `- ${warning}`)],
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Compares each run of a document with the run of its name in the first one. */
function compareDocuments(first: Results, others: readonly Results[]): Map<Run, Comparison> {
  const pairs = others.flatMap(({ runs }) =>
    runs.flatMap((run) => {
      const against = first.runs.find(({ name }) => name === run.name);
      return against === undefined ? [] : [{ run, against }];
    })
  );
  const values = (run: Run) => measuredOf(run).map(servedPerSec);
  const sets = pairs.map(({ run, against }) => ({
    baseline: values(against),
    candidate: values(run),
    paired: false,
  }));
  const comparisons = compareValues(sets, { seed: first.seed });
  return new Map(pairs.map(({ run }, i) => [run, comparisons[i]!]));
}

function renderTable(first: NamedResults, others: readonly NamedResults[]): string[] {
  const comparisons = compareDocuments(first.results, others.map(({ results }) => results));
  const documents = [first, ...others];
  const names = [...new Set(documents.flatMap(({ results }) => results.runs.map((run) => run.name)))];
  const [requests, ...rest] = COLUMNS.filter((column) => !column.compares);
  const header = ["run", "results", requests!.header, `change against ${first.name}`];
  const rows = names.flatMap((name) =>
    documents.flatMap(({ name: document, results }) => {
      const run = results.runs.find((one) => one.name === name);
      if (run === undefined) return [];
      const cells = [requests!, ...rest].map((column) =>
        measuredOf(run).length === 0 ? "–" : column.cell(run, new Map())
      );
      return [[`\`${name}\``, document, cells[0]!, changeCell(comparisons.get(run)), ...cells.slice(1)]];
    })
  );
  return renderRows([...header, ...rest.map((column) => column.header)], rows, 2);
}

function caption(first: NamedResults, others: readonly NamedResults[]): string {
  const comparisons = [...compareDocuments(first.results, others.map(({ results }) => results)).values()];
  const needed = comparisons.filter(({ verdict }) => verdict === "too few repetitions").map((one) =>
    one.repetitionsNeeded
  );
  const few = needed.length === 0
    ? ""
    : ` **Too few repetitions to show a difference**, however large: \`--repeat ${
      Math.max(...needed)
    }\` would do.`;
  const loops = [
    ...new Set([first, ...others].map(({ results }) => nameLoop(results.runs[0]!.options.load))),
  ];
  return `Latencies of ${
    loops.map((loop) => `${loop.startsWith("open") ? "an" : "a"} ${loop}`).join(" and ")
  }. ` +
    "Medians with the intervals that their repetitions give; changes of the medians with bootstrap intervals for 95%, " +
    `tested with the exact Mann-Whitney test, corrected for ${comparisons.length} comparisons (Holm).${few} These ` +
    "results are of different times: whatever changed between them, the machine's temper included, is in the change. " +
    "What is measured in one bench, by turns, is compared more surely.";
}

function renderGates(checks: readonly GateCheck[]): string[] {
  const rows = checks.map(({ gate, run, of, measured, verdict, repetitionsNeeded }) => {
    const figure = gate.relative
      ? formatInterval(measured, (ratio) => formatChange(ratio - 1))
      : formatInterval(measured, (value) => String(Number(value.toPrecision(6))));
    const needed = verdict === "cannot tell" && repetitionsNeeded !== undefined
      ? `: too few repetitions, ${repetitionsNeeded} would do`
      : "";
    return [
      `\`${gate.text}\``,
      of === undefined ? `\`${run}\`` : `\`${run}\` of ${of}`,
      figure,
      verdict === "fails" ? "**fails**" : `${verdict}${needed}`,
    ];
  });
  return [
    ...renderRows(["gate", "run", "measured", "verdict"], rows, 2),
    "",
    "A gate holds or fails where the repetitions show it at 5%, one-sided: against other results by the exact " +
    "Mann-Whitney test at the limit, else by the sign test of the median" +
    `${checks.length === 1 ? "" : `; corrected for ${checks.length} checks (Holm)`}.`,
  ];
}

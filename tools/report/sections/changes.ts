/**
 * The title of a comparison of documents, and the answer in one sentence for each document.
 *
 * @module
 */

import { measuredOf } from "../../results/results.ts";
import type { Verdict } from "../../verdict/comparison.ts";
import { type DocumentComparison, lostRuns, type NamedResults } from "../../verdict/documents.ts";
import { formatRough } from "../format.ts";

/** The title, and how each document's runs differ from those of the first. */
export function renderChanges(
  documents: readonly NamedResults[],
  compared: readonly DocumentComparison[],
): string[] {
  const [first, ...others] = documents;
  const sentences = others.map(({ name }) =>
    sayChanges(name, first!.name, compared.filter(({ document }) => document === name))
  );
  const title = `# ${others.map(({ name }) => name).join(", ")} against ${first!.name}`;
  return [title, "", ...sentences, ...sayMissing(documents)];
}

function sayChanges(document: string, first: string, compared: readonly DocumentComparison[]): string {
  if (compared.length === 0) return `No run of ${document} has the name of a run of ${first}.`;
  const namesOf = (verdict: Verdict) =>
    compared.filter(({ comparison }) => comparison.verdict === verdict).map(({ run }) => `\`${run}\``).join(
      ", ",
    );
  const changed = compared.filter(({ comparison: { verdict } }) =>
    verdict === "higher" || verdict === "lower"
  )
    .map(({ run, comparison: { ratio, verdict }, differs }) => {
      const aside = differs.length === 0 ? "" : `, under another ${differs.join(" and ")},`;
      const share = formatRough(Math.abs(ratio!.estimate - 1));
      return `\`${run}\`${aside} serves ${share} ${verdict === "lower" ? "fewer" : "more"} requests/s`;
    });
  const same = namesOf("no difference shown");
  const few = namesOf("too few repetitions");
  const none = namesOf("not measured");
  const clauses = [
    ...(changed.length === 0 ? [] : [changed.join(", ")]),
    ...(same === "" ? [] : [`no difference is shown for ${same}`]),
    ...(few === "" ? [] : [`the repetitions are too few to show a difference for ${few}`]),
    ...(none === "" ? [] : [`not measured in both: ${none}`]),
  ];
  return `In ${document}, compared with ${first}: ${clauses.join("; ")}.`;
}

/** What is missing from the documents: runs, rounds and repetitions. */
function sayMissing(documents: readonly NamedResults[]): string[] {
  const lost = lostRuns(documents).map(({ document, run }) => `${document} has no run \`${run}\``);
  const stopped = documents.filter(({ results }) => results.interrupted)
    .map(({ name }) => `${name} was stopped before all was measured`);
  const failures = documents.flatMap(({ name, results }) =>
    results.runs.flatMap((run) => {
      const failed = run.repetitions.length - measuredOf(run).length;
      return failed === 0
        ? []
        : [`\`${run.name}\` failed in ${failed} of ${run.repetitions.length} repetitions of ${name}`];
    })
  );
  const all = [...lost, ...stopped, ...failures];
  return all.length === 0 ? [] : ["", `**Missing**: ${all.join("; ")}.`];
}

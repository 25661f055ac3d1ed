/**
 * The title of a comparison of documents, and the answer in one sentence for each document.
 *
 * @module
 */

import type { Verdict } from "../../verdict/comparison.ts";
import type { DocumentComparison, NamedResults } from "../../verdict/documents.ts";
import { formatRough } from "../format.ts";

/** The title, and how each document's runs differ from those of the first. */
export function renderChanges(
  [first, ...others]: readonly NamedResults[],
  compared: readonly DocumentComparison[],
): string[] {
  const sentences = others.map(({ name }) =>
    sayChanges(name, first!.name, compared.filter(({ document }) => document === name))
  );
  return [`# ${others.map(({ name }) => name).join(", ")} against ${first!.name}`, "", ...sentences];
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
  const clauses = [
    ...(changed.length === 0 ? [] : [changed.join(", ")]),
    ...(same === "" ? [] : [`no difference is shown for ${same}`]),
    ...(few === "" ? [] : [`the repetitions are too few to show a difference for ${few}`]),
  ];
  return `In ${document}, compared with ${first}: ${clauses.join("; ")}.`;
}

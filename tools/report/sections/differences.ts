/**
 * What differs between kept results besides their figures: machine, versions, sysctls, load, the runs'
 * options.
 *
 * @module
 */

import type { NamedResults } from "../../verdict/documents.ts";
import { prose } from "../markdown.ts";

/** The section of a comparison of documents. */
export function renderDifferences(documents: readonly NamedResults[]): string[] {
  const differences = differencesOf(documents);
  const lines = differences.length === 0
    ? ["Nothing that the results know of."]
    : differences.map((line) => `- ${line}`);
  return ["## What differs besides", "", ...lines];
}

/** Lines such as `kernel: 6.1.0 in A, 6.18.0 in B`. Empty where all is alike. */
export function differencesOf(documents: readonly NamedResults[]): string[] {
  const facts = documents.map(({ results }) => {
    const { environment, runs, scenario, method } = results;
    const ofRuns = Object.fromEntries(runs.map(({ name, options }) => [`run ${name}`, options]));
    // Those outside of the lab touch nothing that was measured.
    const { machineSysctls: _, ...measuredIn } = environment;
    return flatten({ scenario, ...measuredIn, method, ...ofRuns });
  });
  const keys = [...new Set(facts.flatMap((fact) => [...fact.keys()]))];
  const runNames = documents.map(({ results }) => new Set(results.runs.map((run) => run.name)));
  const all = [...new Set(runNames.flatMap((names) => [...names]))];
  const partial = all.filter((run) => runNames.some((names) => !names.has(run)));
  const lines = keys.flatMap((key) => {
    const values = facts.map((fact) => fact.get(key));
    if (new Set(values).size === 1) return [];
    // A run that a document lacks is named once, below, and not with each of its options.
    if (partial.some((run) => key.startsWith(`run ${run} `))) return [];
    return [
      `${prose(key)}: ${
        values.map((value, i) => `${prose(value ?? "none")} in ${documents[i]!.name}`).join(", ")
      }`,
    ];
  });
  const lacking = partial.map((name) => {
    const without = documents.filter((_, i) => !runNames[i]!.has(name)).map((document) => document.name);
    return `run ${prose(name)}: not in ${without.join(", ")}`;
  });
  return [...lines, ...lacking];
}

/** Every value in an object with the words that lead to it. */
function flatten(value: unknown, words: readonly string[] = []): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Map([[words.join(" "), Array.isArray(value) ? value.join(", ") : String(value)]]);
  }
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, [...words, key])]));
}

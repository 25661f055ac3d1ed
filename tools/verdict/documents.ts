/**
 * Several results documents side by side: each run against the run of its name in the first one.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { measuredOf, type Results, type Run, servedPerSec } from "../results/results.ts";
import { compareValues, type Comparison, differingOptions } from "./comparison.ts";
import { checkGates, type Gate, type GateCheck, type GatedRun } from "./gate.ts";

/** A document and what to call it. */
export interface NamedResults {
  /** How the report names it: its file. */
  readonly name: string;
  /** What it holds. */
  readonly results: Results;
}

/** A run of a document against the run of its name in the first one. */
export interface DocumentComparison {
  /** The document's name. */
  readonly document: string;
  /** The run's name. */
  readonly run: string;
  /** What its requests per second show. */
  readonly comparison: Comparison;
  /** In what, besides the gateway and the knobs, the two runs differ. */
  readonly differs: readonly ("load" | "backend")[];
}

/** Compares each run of the other documents with the run of its name in the first one. */
export function compareDocuments(documents: readonly NamedResults[]): DocumentComparison[] {
  const [first, ...others] = documents;
  if (first === undefined) return [];
  const pairs = others.flatMap(({ name: document, results }) =>
    results.runs.flatMap((run) => {
      const against = runOf(first, run.name);
      return against === undefined ? [] : [{ document, run, against }];
    })
  );
  const values = (run: Run) => measuredOf(run).map(servedPerSec);
  const sets = pairs.map(({ run, against }) => ({
    baseline: values(against),
    candidate: values(run),
    paired: false,
  }));
  const comparisons = compareValues(sets, { seed: first.results.seed });
  return pairs.map(({ document, run, against }, i) => ({
    document,
    run: run.name,
    comparison: comparisons[i]!,
    differs: differingOptions(run, against),
  }));
}

/**
 * Applies gates to the runs of all documents but the first, each beside the run of its name in the first one;
 * of a document alone to its own runs. All checks are corrected together for how many there are.
 *
 * @throws {TimewaitError} for a figure or a run that no results have.
 */
export function checkDocuments(gates: readonly Gate[], documents: readonly NamedResults[]): GateCheck[] {
  const [first, ...others] = documents;
  if (first === undefined) return [];
  const gated = (others.length === 0 ? [first] : others).flatMap(({ name, results }) =>
    results.runs.map((run): GatedRun => {
      const against = others.length === 0 ? undefined : runOf(first, run.name);
      return {
        run,
        ...(against === undefined ? {} : { against }),
        ...(others.length < 2 ? {} : { document: name }),
      };
    })
  );
  return checkGates(gates, gated, { seed: first.results.seed });
}

/**
 * Refuses documents whose loads came from different generators.
 *
 * @throws {TimewaitError} which names the two.
 */
export function requireOneGenerator([first, ...others]: readonly NamedResults[]): void {
  for (const { name, results } of others) {
    const [a, b] = [first!.results.environment.load.name, results.environment.load.name];
    if (a === b) continue;
    throw new TimewaitError(
      `the load of ${first!.name} came from ${a}, that of ${name} from ${b}: they cannot be compared`,
    );
  }
}

function runOf({ results }: NamedResults, name: string): Run | undefined {
  return results.runs.find((run) => run.name === name);
}

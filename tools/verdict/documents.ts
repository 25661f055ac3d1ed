/**
 * Several results documents side by side: each run against the run of its name in the first one.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { measuredOf, type Results, type Run, servedPerSec } from "../results/results.ts";
import {
  baselineOf,
  compareValues,
  compareWithBaseline,
  type Comparison,
  differingOptions,
} from "./comparison.ts";
import { type Gate, parseGate } from "./gate.ts";
import { checkGates, type GateCheck, judgeGates } from "./gate_check.ts";
import { decideGates } from "./gate_decisions.ts";
import { applyGates, type GatedRun } from "./gate_runs.ts";

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
  const comparisons = compareValues(sets);
  return pairs.map(({ document, run, against }, i) => ({
    document,
    run: run.name,
    comparison: comparisons[i]!,
    differs: differingOptions(run, against),
  }));
}

/**
 * Applies gates to the runs of all documents but the first, each beside the run of its name in the first one;
 * of a document alone to its own runs, beside its baseline, round by round. All checks are corrected together
 * for how many there are. A run that a document lacks and the first one has is checked as well, and cannot be
 * told.
 *
 * @throws {TimewaitError} for a gate that applies to nothing, or compares what cannot be compared.
 */
export function checkDocuments(gates: readonly Gate[], documents: readonly NamedResults[]): GateCheck[] {
  const [first, ...others] = documents;
  if (first === undefined || gates.length === 0) return [];
  if (others.length === 0) return checkBench(gates, first.results);
  const change = gates.find(({ relative }) => relative);
  const another = others.find(({ results }) => results.scenario !== first.results.scenario);
  if (change !== undefined && another !== undefined) {
    throw new TimewaitError(
      `${change.text}: ${another.name} holds the scenario ${another.results.scenario}, and ${first.name} ` +
        `${first.results.scenario}: their change says nothing`,
      { field: "gate" },
    );
  }
  return checkGates(gates, others.flatMap((document) => besideFirst(first, document, others.length)));
}

/**
 * Applies gates to one bench, and judges them as it was measured: after each round where it was to decide.
 */
function checkBench(gates: readonly Gate[], results: Results): GateCheck[] {
  const applied = applyGates(gates, besideBaseline(results));
  const { decide, repeat } = results.method;
  return decide === undefined ? judgeGates(applied) : decideGates(applied, repeat);
}

/**
 * Whether a bench that decides has decided all that it was to decide: its gates, or else its comparisons.
 * What can no longer be decided is not waited for: gates that apply to nothing, gates of runs with a missing
 * repetition, which can no longer hold, and runs that were never measured.
 */
export function isDecided(results: Results): boolean {
  const gates = results.method.decide?.gates ?? [];
  if (gates.length === 0) {
    const comparisons = [...compareWithBaseline(results).values()];
    return comparisons.some(({ verdict }) => verdict !== "not measured") &&
      comparisons.every(({ verdict, decidedAfter }) => verdict === "not measured" || decidedAfter !== null);
  }
  try {
    return checkBench(gates.map((gate) => parseGate(gate)), results)
      .every(({ decidedAfter, missing }) => decidedAfter !== null || missing > 0);
  } catch (error) {
    if (error instanceof TimewaitError) return true;
    throw error;
  }
}

/** The runs of one document, those but the baseline beside it. */
export function besideBaseline(results: Pick<Results, "runs">): GatedRun[] {
  const baseline = baselineOf(results);
  return results.runs.map((run) => ({
    run,
    ...(baseline === undefined || run === baseline ? {} : { against: baseline, paired: true }),
  }));
}

/** The runs of a document, and those that only the first one has. */
function besideFirst(first: NamedResults, { name: document, results }: NamedResults, of: number): GatedRun[] {
  const gated = results.runs.map((run): GatedRun => {
    const against = runOf(first, run.name);
    return { run, ...(against === undefined ? {} : { against }), ...(of < 2 ? {} : { document }) };
  });
  const lost = lostRuns([first, { name: document, results }]).map(({ run: name }): GatedRun => {
    const against = runOf(first, name)!;
    return { run: { ...against, repetitions: [] }, lost: true, against, document };
  });
  return [...gated, ...lost];
}

/** A run of the first document that another one lacks. */
export interface LostRun {
  /** The document that lacks it. */
  readonly document: string;
  /** The run's name. */
  readonly run: string;
}

/** The runs of the first document that the others lack. */
export function lostRuns([first, ...others]: readonly NamedResults[]): LostRun[] {
  return others.flatMap((document) =>
    (first?.results.runs ?? []).filter(({ name }) => runOf(document, name) === undefined)
      .map(({ name: run }) => ({ document: document.name, run }))
  );
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

/**
 * Finds what gates are about: the runs, and the figure of each of their repetitions.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { isMeasured, measuredOf, type Run } from "../results/results.ts";
import { differingOptions } from "./comparison.ts";
import type { Gate } from "./gate.ts";
import type { HostName } from "../scenario/host_names.ts";
import { figureNames, figureOf, hasFigure, partyOf } from "./gate_figures.ts";

/** A run that gates are applied to. */
export interface GatedRun {
  /** What was measured. */
  readonly run: Run;
  /** Whether these results have no such run, and `run` only says what is missing. Default: they have. */
  readonly lost?: boolean;
  /** The run that it is compared with, where there is one. */
  readonly against?: Run;
  /** Whether both were measured in the same rounds. Default: they were not. */
  readonly paired?: boolean;
  /** The name of its results document. Left out where there is only one. */
  readonly document?: string;
}

/** A gate with the values of a run that it is about. */
export interface AppliedGate {
  /** The gate. */
  readonly gate: Gate;
  /** The run's name. */
  readonly run: string;
  /** The name of its results document. Left out where there is only one. */
  readonly document?: string;
  /** The figure of each repetition; `undefined` for one that failed, or could not measure the figure. */
  readonly values: readonly (number | undefined)[];
  /** The values that a relative gate compares with, `undefined` as above. */
  readonly against?: readonly (number | undefined)[];
  /** Whether the n-th values of both were measured in the same round. */
  readonly paired: boolean;
}

/**
 * Finds the values that each gate is about.
 *
 * @throws {TimewaitError} for a gate that applies to nothing, or compares what cannot be compared.
 */
export function applyGates(gates: readonly Gate[], runs: readonly GatedRun[]): AppliedGate[] {
  return gates.flatMap((gate) => applyGate(gate, runs));
}

function applyGate(gate: Gate, runs: readonly GatedRun[]): AppliedGate[] {
  const asked = runsAskedFor(gate, runs);
  const withFigure = runsWithFigure(gate, asked);
  return withFigure.map((gated) => {
    const { run, against, paired = false, document } = gated;
    if (gate.relative) requireComparable(gate, gated);
    const valuesOf = (run: Run) =>
      run.repetitions.map((repetition) =>
        isMeasured(repetition) ? figureOf(repetition, gate.figure) : undefined
      );
    return {
      gate,
      run: run.name,
      ...(document === undefined ? {} : { document }),
      values: valuesOf(run),
      ...(gate.relative ? { against: against === undefined ? [] : valuesOf(against) } : {}),
      paired,
    };
  });
}

function refuse(gate: Gate, problem: string): never {
  throw new TimewaitError(`${gate.text}: ${problem}`, { field: "gate" });
}

/** The runs that a gate names or leaves open, less those that a change cannot be told of. */
function runsAskedFor(gate: Gate, runs: readonly GatedRun[]): readonly GatedRun[] {
  const named = runs.filter(({ run }) => gate.run === undefined || gate.run === run.name);
  const there = runs.filter(({ lost = false }) => !lost);
  if (named.length === 0) {
    const names = namesOf(there);
    refuse(gate, `there is no run ${gate.run}${didYouMean(gate.run!, names) || `; ${listOf(names)}`}`);
  }
  const lost = named.find(({ lost = false }) => lost);
  if (gate.run !== undefined && lost !== undefined) {
    const names = namesOf(there.filter(({ document = lost.document }) => document === lost.document));
    refuse(gate, `there is no run ${gate.run} in ${lost.document ?? "the results"}; ${listOf(names)}`);
  }
  if (!gate.relative) return named;
  const compared = named.filter(({ against }) => against !== undefined);
  if (compared.length === 0) {
    const others = namesOf(runs.filter(({ against }) => against !== undefined));
    refuse(
      gate,
      others.length === 0
        ? "is about a change, and there is nothing to compare with: give the results to compare with first"
        : `there is nothing to compare ${gate.run} with; a change can be told of ${others.join(", ")}`,
    );
  }
  if (compared.every(({ lost = false }) => lost)) {
    refuse(gate, `no run has the name of a run in the first results, ${listOf(namesOf(there))}`);
  }
  return compared;
}

function namesOf(runs: readonly GatedRun[]): string[] {
  return [...new Set(runs.map(({ run }) => run.name))];
}

function listOf(runs: readonly string[]): string {
  return runs.length === 0 ? "there are no runs" : `its runs are ${runs.join(", ")}`;
}

/** The figures that gates are most often about. */
const FIRST_FIGURES = [
  "requestsPerSec",
  "latencyUs.p99",
  "errors.timeout",
  "reuseRatio",
  "gateway.timeWaitPeak",
  "gateway.connectionsOpened",
  "processes.gateway.cpuSec",
];

/** The runs that have the figure. A direct run has no gateway, and keeps to any limit of one. */
function runsWithFigure(gate: Gate, asked: readonly GatedRun[]): readonly GatedRun[] {
  const measured = asked.flatMap(({ run }) => measuredOf(run));
  const party = partyOf(gate.figure);
  const isBlind = (run: Run | undefined) =>
    party !== undefined && run !== undefined && measuredOf(run).length > 0 &&
    measuredOf(run).every(({ hosts }) => hosts[party] === null);
  if (asked.some(({ run, against }) => isBlind(run) || gate.relative && isBlind(against))) {
    refuse(gate, notWatched(gate.figure, party!));
  }
  if (measured.length > 0 && !measured.some((repetition) => hasFigure(repetition, gate.figure))) {
    const names = figureNames(measured[0]!);
    const some = `; there are ${
      FIRST_FIGURES.filter((name) => names.includes(name)).join(", ")
    }, and all other numbers of ` +
      "a repetition by their paths in the results document";
    refuse(gate, `there is no figure ${gate.figure}${didYouMean(gate.figure, names) || some}`);
  }
  const having = asked.filter(({ run }) => {
    const repetitions = measuredOf(run);
    if (repetitions.length === 0) return true;
    // What a gateway lacks by its kind, such as the counters of a pool, it lacks in name.
    if (run.options.gateway !== null) return repetitions.some((one) => hasFigure(one, gate.figure));
    if (gate.figure.startsWith("gateway.")) return gate.run !== undefined;
    return repetitions.some((repetition) => figureOf(repetition, gate.figure) !== undefined);
  });
  if (having.length === 0) {
    refuse(
      gate,
      `${gate.figure} is a figure of a gateway, and ${namesOf(asked).join(", ")} went without one`,
    );
  }
  return having;
}

/**
 * Refuses gates on figures that nobody is going to measure, because a party's host is not watched.
 *
 * @throws {TimewaitError} for the first of them.
 */
export function requireWatched(gates: readonly Gate[], unwatched: readonly HostName[]): void {
  for (const gate of gates) {
    const party = partyOf(gate.figure);
    if (party !== undefined && unwatched.includes(party)) refuse(gate, notWatched(gate.figure, party));
  }
}

function notWatched(figure: string, party: HostName): string {
  return `${figure} is not known where the ${party} is not watched`;
}

function requireComparable(gate: Gate, { run, against, paired = false }: GatedRun): void {
  if (against === undefined) return;
  const differs = differingOptions(run, against);
  if (differs.length === 0) return;
  refuse(
    gate,
    `${run.name} was measured under another ${differs.join(" and another ")} than ` +
      `${
        paired ? against.name : "in the first results"
      }, so that their change says nothing about the gateway`,
  );
}

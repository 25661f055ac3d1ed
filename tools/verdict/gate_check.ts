/**
 * Whether the repetitions show that gates hold.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { isMeasured, measuredOf, type Run } from "../results/results.ts";
import { differingOptions, FALSE_ALARMS } from "./comparison.ts";
import type { Gate } from "./gate.ts";
import { figureNames, figureOf, hasFigure } from "./gate_figures.ts";
import { estimateOf, type Interval } from "./intervals.ts";
import {
  holmLevels,
  mannWhitneyEstimates,
  type RankEstimates,
  ratioOf,
  signedRankEstimates,
  signEstimates,
  smallestMannWhitneyP,
  smallestP,
} from "./rank_tests.ts";

/** What the repetitions show about a gate. */
export type GateVerdict = "holds" | "fails" | "cannot tell";

/** A gate, applied to a run. */
export interface GateCheck {
  /** The gate. */
  readonly gate: Gate;
  /** The run's name. */
  readonly run: string;
  /** The name of its results document. Left out where there is only one. */
  readonly document?: string;
  /**
   * The figure, or for a relative gate its ratio to what it is compared with; `undefined` where there is
   * none. Its two ends are those of the tests for holding and for failing, so it lies on one side of the
   * limit where one of these is shown, unless repetitions are missing, which it leaves out.
   */
  readonly measured: Interval | undefined;
  /** What is shown. */
  readonly verdict: GateVerdict;
  /** Repetitions that failed or lack the figure, each counted as one beyond the limit. */
  readonly missing: number;
  /** All repetitions, the missing ones included. */
  readonly repetitions: number;
  /** How many repetitions would be enough. Left out unless they are too few for any verdict. */
  readonly repetitionsNeeded?: number;
}

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
 * Applies gates to runs and judges them; see {@linkcode judgeGates}.
 *
 * @throws {TimewaitError} for a gate that applies to nothing, or compares what cannot be compared.
 */
export function checkGates(gates: readonly Gate[], runs: readonly GatedRun[]): GateCheck[] {
  return judgeGates(applyGates(gates, runs));
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
  return compared;
}

function namesOf(runs: readonly GatedRun[]): string[] {
  return [...new Set(runs.map(({ run }) => run.name))];
}

function listOf(runs: readonly string[]): string {
  return runs.length === 0 ? "there are no runs" : `its runs are ${runs.join(", ")}`;
}

/** The runs that have the figure. A direct run has no gateway, and keeps to any limit of one. */
function runsWithFigure(gate: Gate, asked: readonly GatedRun[]): readonly GatedRun[] {
  const measured = asked.flatMap(({ run }) => measuredOf(run));
  if (measured.length > 0 && !measured.some((repetition) => hasFigure(repetition, gate.figure))) {
    refuse(gate, `there is no figure ${gate.figure}${didYouMean(gate.figure, figureNames(measured[0]!))}`);
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

/**
 * Judges gates. A gate holds or fails only where the repetitions show it at 5%, by a one-sided test at the
 * limit: for a change within one bench the signed-rank test of the ratios within rounds, for a change against
 * other results the Mann-Whitney test, for a figure by itself the sign test of its median.
 *
 * The tests for failing are corrected together (Holm). So where every figure is at its limit, the chance that
 * even one gate is said to fail is at most 5%, however many gates there are. The tests for holding are not
 * corrected: each gate that is beyond its limit is said to hold in at most 5%.
 *
 * A repetition that failed, or that lacks the figure, counts as one beyond the limit. A gate of a run with
 * such a repetition fails, or cannot be told; it never holds.
 */
export function judgeGates(applied: readonly AppliedGate[]): GateCheck[] {
  const sides = applied.map(estimatesOf);
  const fails = sides.map(({ all }, i) => sideP(all, applied[i]!.gate, "fails"));
  const levels = holmLevels(fails, FALSE_ALARMS);
  return applied.map((one, i) => judge(one, sides[i]!, fails[i]!, levels[i]!, applied.length));
}

interface Estimates {
  /** Those of the figures that there are. */
  readonly measured: RankEstimates;
  /** The same with each missing repetition as one beyond the limit. */
  readonly all: RankEstimates;
  /** Values of the run, and of what it is compared with. */
  readonly sizes: readonly [number, number];
  readonly missing: number;
}

function estimatesOf({ gate, values, against, paired }: AppliedGate): Estimates {
  const worst = gate.operator === ">=" ? 0 : Infinity;
  const present = values.filter((value) => value !== undefined);
  const missing = values.length - present.length;
  if (against === undefined) {
    const beyond = gate.operator === ">=" ? -Infinity : Infinity;
    return {
      measured: signEstimates(present),
      all: signEstimates(values.map((value) => value ?? beyond)),
      sizes: [values.length, values.length],
      missing,
    };
  }
  if (!paired) {
    const others = against.filter((value) => value !== undefined);
    return {
      measured: mannWhitneyEstimates(present, others),
      all: mannWhitneyEstimates(values.map((value) => value ?? worst), others),
      sizes: [values.length, others.length],
      missing,
    };
  }
  const rounds = values.flatMap((value, round) => {
    const other = against[round];
    return other === undefined ? [] : [value === undefined ? undefined : ratioOf(value, other)];
  });
  return {
    measured: signedRankEstimates(rounds.filter((ratio) => ratio !== undefined)),
    all: signedRankEstimates(rounds.map((ratio) => ratio ?? worst)),
    sizes: [rounds.length, rounds.length],
    missing,
  };
}

/** The one-sided p that the figure lies beyond its limit, or that it lies within; at the limit is within. */
function sideP({ sorted, atMost }: RankEstimates, gate: Gate, side: "fails" | "holds"): number {
  if (sorted.length === 0) return 1;
  const limit = gate.relative ? 1 + gate.limit : gate.limit;
  const within = sorted.filter((estimate) => gate.operator === ">=" ? estimate >= limit : estimate <= limit);
  return atMost(side === "fails" ? within.length : sorted.length - within.length);
}

function judge(
  { gate, run, document, values, against, paired }: AppliedGate,
  { measured, all, sizes, missing }: Estimates,
  fails: number,
  failLevel: number,
  checks: number,
): GateCheck {
  const verdict = fails <= failLevel
    ? "fails"
    : missing === 0 && sideP(all, gate, "holds") <= FALSE_ALARMS
    ? "holds"
    : "cannot tell";
  // The end that a gate must keep on its side of the limit is that of the test for holding.
  const levels = gate.operator === ">="
    ? { low: FALSE_ALARMS, high: failLevel }
    : { low: failLevel, high: FALSE_ALARMS };
  const smallest = (n: number) => against === undefined || paired ? 0.5 ** n : smallestMannWhitneyP(n, n) / 2;
  let needed = 1;
  while (smallest(needed) * checks > FALSE_ALARMS) needed++;
  const tooFew = Math.min(...sizes) === 0 || smallestP(all) > FALSE_ALARMS / checks;
  return {
    gate,
    run,
    ...(document === undefined ? {} : { document }),
    measured: estimateOf(measured, levels),
    verdict,
    missing,
    repetitions: values.length,
    ...(verdict === "cannot tell" && tooFew ? { repetitionsNeeded: needed } : {}),
  };
}

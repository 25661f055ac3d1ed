/**
 * Whether the repetitions show that gates hold.
 *
 * @module
 */

import { FALSE_ALARMS } from "./comparison.ts";
import type { Gate } from "./gate.ts";
import { type AppliedGate, applyGates, type GatedRun } from "./gate_runs.ts";
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
  /**
   * After how many rounds a bench that decides has shown the verdict, `null` where it has shown none. Left
   * out for other benches.
   */
  readonly decidedAfter?: number | null;
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

/** The estimates of a gate's figure. */
export interface GateEstimates {
  /** Those of the figures that there are. */
  readonly measured: RankEstimates;
  /** The same with each missing repetition as one beyond the limit. */
  readonly all: RankEstimates;
  /** Values of the run, and of what it is compared with, each missing one included. */
  readonly sizes: readonly [number, number];
  /** Repetitions that lack the figure. */
  readonly missing: number;
}

/** The estimates of a gate's figure, and how many repetitions lack it. */
export function estimatesOf({ gate, values, against, paired }: AppliedGate): GateEstimates {
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
  const rounds = ratiosOfRounds(values, against);
  return {
    measured: signedRankEstimates(rounds.filter((ratio) => ratio !== undefined)),
    all: signedRankEstimates(rounds.map((ratio) => ratio ?? worst)),
    sizes: [rounds.length, rounds.length],
    missing,
  };
}

/** The ratios of the rounds in which what is compared with has the figure; `undefined` for a missing one. */
export function ratiosOfRounds(
  values: readonly (number | undefined)[],
  against: readonly (number | undefined)[],
): (number | undefined)[] {
  return values.flatMap((value, round) => {
    const other = against[round];
    return other === undefined ? [] : [value === undefined ? undefined : ratioOf(value, other)];
  });
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
  { measured, all, sizes, missing }: GateEstimates,
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

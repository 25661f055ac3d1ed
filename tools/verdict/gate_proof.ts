/**
 * Proves that each gate can fail: a gate that cannot fail guards nothing.
 *
 * @module
 */

import { type GateCheck, judgeGates } from "./gate_check.ts";
import { type AppliedGate, applyGates, type GatedRun } from "./gate_runs.ts";
import type { Gate } from "./gate.ts";

/** What it takes for a gate to fail. */
export interface GateProof {
  /** The gate on the run, judged where nothing was enough, or with what was. */
  readonly check: GateCheck;
  /**
   * The smallest step beyond the limit with which it fails, as a share of the limit or, for a change, of what
   * it is compared with; `undefined` where it cannot fail.
   */
  readonly failsBeyond: number | undefined;
}

/** The steps beyond the limit that are tried, as shares. A limit of 0 is passed by as much itself. */
const STEPS = [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5];

/** The largest step that is tried. */
export const LARGEST_STEP: number = STEPS.at(-1)!;

/**
 * Moves the figures of one gate after the other beyond their limit by growing steps, each with the noise that
 * the repetitions had, and applies all gates, because they correct each other.
 *
 * @throws {TimewaitError} for a gate that applies to nothing.
 */
export function proveGates(gates: readonly Gate[], runs: readonly GatedRun[]): GateProof[] {
  const applied = applyGates(gates, runs);
  return applied.map((one, i) => {
    const judged = (step: number) =>
      judgeGates(applied.map((it) => it.gate === one.gate ? moved(it, step) : it))[i]!;
    const failsBeyond = STEPS.find((step) => judged(step).verdict === "fails");
    return { check: judged(failsBeyond ?? LARGEST_STEP), failsBeyond };
  });
}

/** The values with their median moved beyond the limit by a step. */
function moved(applied: AppliedGate, step: number): AppliedGate {
  const { gate, values, against } = applied;
  const sign = gate.operator === ">=" ? -1 : 1;
  if (against !== undefined) {
    const factor = 1 + gate.limit + sign * step;
    const worse = (value: number) => value === 0 && sign > 0 ? 1 : value * factor;
    return { ...applied, values: values.map((value) => value === undefined ? undefined : worse(value)) };
  }
  const present = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = present[Math.floor(present.length / 2)] ?? 0;
  const to = gate.limit + sign * (gate.limit === 0 ? 1 : Math.abs(gate.limit)) * step;
  return {
    ...applied,
    values: values.map((value) =>
      value === undefined ? undefined : middle === 0 || to === 0 ? to : value / middle * to
    ),
  };
}

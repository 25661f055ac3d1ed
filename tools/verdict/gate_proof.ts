/**
 * Proves that each gate can fail: a gate that cannot fail guards nothing.
 *
 * @module
 */

import { checkGates, type Gate, type GateCheck } from "./gate.ts";
import { isMeasured, type Measured, type Run } from "../results/results.ts";

/**
 * Moves the figure of one gate after the other well beyond its limit, and applies all gates, because they
 * correct each other. A check that does not fail then cannot fail, mostly because the repetitions are too few
 * for so many checks.
 *
 * @returns the checks that did not fail; none where every gate can.
 */
export function gatesThatCannotFail(gates: readonly Gate[], runs: readonly Run[], seed: number): GateCheck[] {
  return gates.flatMap((gate) => {
    const gated = runs.map((run) => ({ run: worsen(run, gate), against: run }));
    return checkGates(gates, gated, { seed }).filter((check) =>
      check.gate === gate && check.verdict !== "fails"
    );
  });
}

function worsen(run: Run, gate: Gate): Run {
  const repetitions = run.repetitions.map((repetition) =>
    isMeasured(repetition) ? setFigure(repetition, gate) : repetition
  );
  return { ...run, repetitions };
}

function setFigure(repetition: Measured, gate: Gate): Measured {
  const copy = structuredClone(repetition) as unknown as Record<string, unknown>;
  const path = gate.figure.split(".");
  const root = path[0]! in copy ? copy : copy.hosts as Record<string, unknown>;
  const last = path.pop()!;
  const holder = path.reduce((at, key) => at[key] as Record<string, unknown>, root);
  const value = Number(holder[last]);
  const margin = gate.relative ? Math.abs(value) * 0.5 + Number.EPSILON : Math.abs(gate.limit) * 0.5 + 1;
  const limit = gate.relative ? value * (1 + gate.limit) : gate.limit;
  holder[last] = gate.operator === ">=" ? limit - margin : limit + margin;
  return copy as unknown as Measured;
}

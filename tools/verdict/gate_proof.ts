/**
 * Proves of each gate that it can fail: one that cannot guards nothing.
 *
 * @module
 */

import { checkGates, type Gate, type GateCheck } from "./gate.ts";
import { isMeasured, type Measured, type Run } from "../results/results.ts";

/**
 * Applies all gates, which correct each other, to the runs with one gate's figure moved well beyond its limit. Where a
 * check of that gate then does not fail, it cannot, mostly because the repetitions are too few for so many checks.
 *
 * @returns the checks that did not fail; none where every gate can.
 */
export function gatesThatCannotFail(gates: readonly Gate[], runs: readonly Run[], seed: number): GateCheck[] {
  return gates.flatMap((gate) => {
    const pairs = runs.map((run) => ({ run: worsen(run, gate), against: run }));
    return checkGates(gates, pairs, { seed }).filter((check) =>
      check.gate === gate && check.verdict !== "fails"
    );
  });
}

function worsen(run: Run, gate: Gate): Run {
  const repetitions = run.repetitions.map((one) => isMeasured(one) ? setFigure(one, gate) : one);
  return { ...run, repetitions };
}

function setFigure(one: Measured, gate: Gate): Measured {
  const copy = structuredClone(one) as unknown as Record<string, unknown>;
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

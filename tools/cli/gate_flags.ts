/**
 * The flag that gives gates, and the exit codes of commands that check them.
 *
 * @module
 */

import { parseGate } from "../verdict/gate.ts";
import type { GateCheck } from "../verdict/gate_check.ts";
import { listFlag } from "./command.ts";
import { CANNOT_TELL } from "./command_line.ts";

/** The flag. */
export const GATE_FLAGS = {
  gate: listFlag("GATE", "condition that must hold: [RUN:]FIGURE>=LIMIT or <=; with a % a change", parseGate),
} as const;

/** 1 where a gate fails, 3 where none does and the repetitions cannot tell of at least one, else 0. */
export function exitCodeOf(checks: readonly GateCheck[]): number {
  if (checks.some(({ verdict }) => verdict === "fails")) return 1;
  return checks.some(({ verdict }) => verdict === "cannot tell") ? CANNOT_TELL : 0;
}

/** The exit codes from the best to the worst; others are worse than all of these. */
const BY_HARM: readonly number[] = [0, CANNOT_TELL, 1];

/** The worst of several exit codes: what cannot be told never hides what failed. */
export function worstExitCode(codes: readonly number[]): number {
  const harm = (code: number) => BY_HARM.includes(code) ? BY_HARM.indexOf(code) : code;
  return codes.reduce((worst, code) => harm(code) > harm(worst) ? code : worst, 0);
}

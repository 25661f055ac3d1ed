/**
 * Whether the gates hold.
 *
 * @module
 */

import type { GateCheck } from "../../verdict/gate.ts";
import { intervalCell } from "../cells.ts";
import { formatChange } from "../format.ts";
import { code, prose } from "../markdown.ts";
import { renderRows } from "../table.ts";

/** The section; empty where no gate was asked for. */
export function renderGates(checks: readonly GateCheck[]): string[] {
  if (checks.length === 0) return [];
  const rows = checks.map(({ gate, run, document, measured, verdict, repetitionsNeeded }) => [
    code(gate.text),
    document === undefined ? code(run) : `${code(run)} of ${prose(document)}`,
    gate.relative
      ? intervalCell(measured, (ratio) => formatChange(ratio - 1))
      : intervalCell(measured, (value) => String(Number(value.toPrecision(6)))),
    verdict === "fails"
      ? "**fails**"
      : verdict === "cannot tell" && repetitionsNeeded !== undefined
      ? `cannot tell: too few repetitions, ${repetitionsNeeded} would be enough`
      : verdict,
  ]);
  return [
    "## Gates",
    "",
    ...renderRows(["gate", "run", "measured", "verdict"], rows, 2),
    "",
    "A gate holds or fails where the repetitions show it at 5%, one-sided: a change against other results by the exact " +
    "Mann-Whitney test at the limit, a figure by itself by the sign test of its median" +
    `${checks.length === 1 ? "" : `; corrected for ${checks.length} checks (Holm)`}.`,
  ];
}

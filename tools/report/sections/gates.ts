/**
 * Whether the gates hold.
 *
 * @module
 */

import type { GateCheck } from "../../verdict/gate_check.ts";
import { intervalCell } from "../cells.ts";
import { formatChange } from "../format.ts";
import { code, prose } from "../markdown.ts";
import { renderRows } from "../table.ts";

/** The section; empty where no gate was asked for. */
export function renderGates(checks: readonly GateCheck[]): string[] {
  if (checks.length === 0) return [];
  const rows = checks.map((check) => [
    code(check.gate.text),
    check.document === undefined ? code(check.run) : `${code(check.run)} of ${prose(check.document)}`,
    check.gate.relative
      ? intervalCell(check.measured, (ratio) => formatChange(ratio - 1))
      : intervalCell(check.measured, (value) => String(Number(value.toPrecision(6)))),
    sayVerdict(check),
  ]);
  const many = checks.length > 1
    ? ` Failing is corrected for ${checks.length} checks (Holm), so that all of them together raise a false alarm in at most 5%.`
    : "";
  return [
    "## Gates",
    "",
    ...renderRows(["gate", "run", "measured", "verdict"], rows, 2),
    "",
    `A gate holds or fails where the repetitions show it at 5%${
      checks.some(isLooked) ? " over the looks after all rounds together" : ""
    }, one-sided, at the limit: a change within one bench by the ` +
    "exact Wilcoxon signed-rank test of the rounds, a change against other results by the exact Mann-Whitney test, a figure " +
    "by itself by the sign test of its median. The intervals are those of these tests. `requestsPerSec` counts answers in " +
    `time with 2xx or 3xx, as the table does.${many}`,
  ];
}

/** Whether the bench looked after each round. */
function isLooked({ decidedAfter }: GateCheck): boolean {
  return decidedAfter !== undefined;
}

function sayVerdict(check: GateCheck): string {
  const { verdict, missing, repetitions, repetitionsNeeded, document, decidedAfter } = check;
  const lacking = missing === 0 ? "" : `: ${missing} of ${repetitions} repetitions failed or lack the figure`;
  const after = typeof decidedAfter === "number" ? `, decided after ${decidedAfter} rounds` : "";
  if (verdict === "fails") return `**fails**${after}${lacking}`;
  if (verdict === "holds") return `${verdict}${after}`;
  if (repetitions === 0) {
    return document === undefined
      ? "cannot tell: not measured"
      : `cannot tell: not measured in ${prose(document)}`;
  }
  if (lacking !== "") return `cannot tell${lacking}`;
  return repetitionsNeeded === undefined
    ? isLooked(check) ? `cannot tell: not decided after ${repetitions} rounds` : verdict
    : `cannot tell: too few repetitions, ${repetitionsNeeded} would be enough`;
}

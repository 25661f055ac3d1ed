/**
 * What became of the sysctls that the runs asked for.
 *
 * @module
 */

import type { Findings } from "../../verdict/findings.ts";
import { isInForce } from "../../verdict/knobs.ts";
import { code, prose } from "../markdown.ts";
import { renderRows } from "../table.ts";

/** The section; empty where no run had any. */
export function renderKnobs({ runs }: Findings): string[] {
  const rows = runs.flatMap(({ name, knobs }) =>
    knobs.map((knob) => [
      `\`${name}\``,
      knob.host,
      code(knob.key),
      prose(knob.before ?? "–"),
      prose(knob.asked),
      prose(knob.inForce ?? "–"),
      isInForce(knob) ? knob.status : `**${knob.status}**`,
    ])
  );
  if (rows.length === 0) return [];
  const header = ["run", "host", "sysctl", "before", "asked for", "in force", "status"];
  return ["## Knobs", "", ...renderRows(header, rows, header.length)];
}

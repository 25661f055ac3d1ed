/**
 * The words for what to set.
 *
 * @module
 */

import type { RunProduct } from "../../verdict/findings.ts";
import type { Remedy } from "../../verdict/remedies.ts";

/**
 * What to set, as one sentence for each product and its notes; empty where there is nothing to set. The
 * first sentence says so where the product is not known.
 */
export function sayRemedies(remedies: readonly Remedy[], product: RunProduct | undefined): string {
  if (remedies.length === 0) return "";
  const byProduct = Map.groupBy(remedies, ({ product }) => product);
  const parts = [...byProduct].map(([name, group]) => `${name} ${group.map(saySetting).join(", ")}`);
  const notes = product === undefined ? [] : new Set(remedies.flatMap(({ notes = [] }) => notes));
  const which = product === undefined && byProduct.size > 1
    ? " (the product is not known: `--product NAME` names it)"
    : "";
  return [`**Set**${which}: ${parts.join("; ")}.`, ...notes].join(" ");
}

function saySetting({ setting, value, byDefault, scope }: Remedy): string {
  const aside = byDefault === undefined ? "" : ` (by default ${byDefault}; for ${scope})`;
  return `\`${setting}\` to ${value}${aside}`.replace(/ to (left out|one |read |not |on\b|with )/, ": $1");
}

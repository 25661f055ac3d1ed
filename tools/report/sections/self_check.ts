/**
 * The sentence that a self-check comes to.
 *
 * @module
 */

import { type Results } from "../../results/results.ts";
import { selfCheckResult } from "../../verdict/self_check.ts";
import { formatInterval } from "../cells.ts";
import { formatChange } from "../format.ts";

/** The lines of the report; empty for results of anything else. */
export function renderSelfCheck(results: Results): string[] {
  const check = selfCheckResult(results);
  if (check === undefined) return [];
  const { verdict, runs: [a, b], comparison: { ratio, repetitionsNeeded } } = check;
  const names = `\`${a.name}\` and \`${b.name}\`, which are the same`;
  const change = formatInterval(ratio, (value) => formatChange(value - 1));
  if (verdict === "cannot tell") {
    return [
      `**The self-check cannot tell**: too few repetitions to show any difference between ${names}; ` +
      `\`--repeat ${repetitionsNeeded}\` would do.`,
    ];
  }
  return verdict === "passed"
    ? [
      `**The self-check passed**: no difference is shown between ${names}; the second has ${change} requests/s.`,
    ]
    : [
      `**The self-check failed, a false alarm**: a difference is shown between ${names}; the second has ${change} ` +
      "requests/s. One check in twenty may raise one. Where the next one does so too, something on this machine favours a " +
      "run by its name or its place, and its comparisons cannot be trusted.",
    ];
}

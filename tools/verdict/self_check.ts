/**
 * The A/A check: one configuration measured under two names, between which no difference should be shown.
 *
 * @module
 */

import type { Results } from "../results/results.ts";
import { compareWithBaseline, type Comparison } from "./comparison.ts";

/** What a self-check has come to. */
export interface SelfCheck {
  /** `passed`: no difference was shown. `cannot tell`: there were too few repetitions to show any. */
  readonly verdict: "passed" | "false alarm" | "cannot tell";
  /** The names of the runs, which are the same otherwise; the first is the baseline. */
  readonly runs: readonly [string, string];
  /** What the repetitions show. */
  readonly comparison: Comparison;
}

/** What a self-check has come to; `undefined` for results of anything else. */
export function selfCheckResult(results: Results): SelfCheck | undefined {
  return results.method?.selfCheck === true ? selfCheckOf(results, compareWithBaseline(results)) : undefined;
}

/** The same, from comparisons with the baseline that were made already. */
export function selfCheckOf(
  results: Results,
  comparisons: ReadonlyMap<string, Comparison>,
): SelfCheck | undefined {
  const [a, b] = results.runs;
  if (results.method?.selfCheck !== true || a === undefined || b === undefined) return undefined;
  const comparison = comparisons.get(b.name);
  if (comparison === undefined) return undefined;
  const verdict = comparison.verdict === "too few repetitions" || comparison.verdict === "not measured"
    ? "cannot tell"
    : comparison.verdict === "no difference shown"
    ? "passed"
    : "false alarm";
  return { verdict, runs: [a.name, b.name], comparison };
}

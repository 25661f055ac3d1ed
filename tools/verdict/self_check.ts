/**
 * The A/A check: one configuration measured under two names, between which there is nothing to be shown.
 *
 * @module
 */

import { compareWithBaseline, type Comparison } from "./comparison.ts";
import { type Results, type Run } from "../results/results.ts";

/** What a self-check has come to. */
export interface SelfCheck {
  /** `passed`: no difference was shown. `cannot tell`: there were too few repetitions to show any. */
  readonly verdict: "passed" | "false alarm" | "cannot tell";
  /** The runs, which are the same but for their names; the first is the baseline. */
  readonly runs: readonly [Run, Run];
  /** What the repetitions show. */
  readonly comparison: Comparison;
}

/** What a self-check has come to; `undefined` for results of anything else. */
export function selfCheckResult(results: Results): SelfCheck | undefined {
  const [a, b] = results.runs;
  if (results.method?.selfCheck !== true || a === undefined || b === undefined) return undefined;
  const comparison = compareWithBaseline(results).get(b.name);
  if (comparison === undefined) return undefined;
  const verdict = comparison.verdict === "too few repetitions"
    ? "cannot tell"
    : comparison.verdict === "no difference shown"
    ? "passed"
    : "false alarm";
  return { verdict, runs: [a, b], comparison };
}

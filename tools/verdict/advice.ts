/**
 * What each piece of advice did, against a gateway that was given none: a verdict for each run.
 *
 * @module
 */

import { failedRequests } from "../load/load.ts";
import { measuredOf, type Results, type Run } from "../results/results.ts";
import type { Churn } from "./churn.ts";
import { isInForce, knobsOf } from "./knobs.ts";
import type { PortFindings } from "./ports.ts";

/**
 * - `cure`: connections are kept, so there is nothing left to fail.
 * - `painkiller`: next to no failures, though as many connections are opened and closed, because ports are
 *   taken again or there are many more of them than were used.
 * - `placebo`: neither. A run that was slow, and so did not reach the end of its ports, is a placebo as well.
 * - `harmful`: TCP's own protection was thrown away, or failures are more than ten times the baseline's.
 * - `masked`, `not masked`: measured elsewhere than the baseline, on loopback; whether the failures are
 *   hidden there.
 * - `not in force`: it was not tried, because the kernel did not take it.
 * - `nothing to cure`: the baseline did not fail either, so nothing was shown.
 */
export type AdviceVerdict =
  | "cure"
  | "painkiller"
  | "placebo"
  | "harmful"
  | "masked"
  | "not masked"
  | "not in force"
  | "nothing to cure";

/** What a run changed, against the baseline. */
export interface Changes {
  /** Sysctls that differ as in force; `inForce` is `null` where the value asked for is not in force. */
  readonly sysctls: readonly { readonly key: string; readonly inForce: string | null }[];
  /** Whether the run was on loopback. Left out where the baseline was where the run was. */
  readonly loopback?: boolean;
  /** Whether the gateway differs. */
  readonly gateway: boolean;
}

/** What a piece of advice came to. */
export interface Advice {
  /** `undefined` for the baseline. */
  readonly verdict?: AdviceVerdict;
  /** What was changed. */
  readonly changes: Changes;
}

/** A run and what was found of it. */
export interface JudgedRun {
  /** What was measured. */
  readonly run: Run;
  /** See {@linkcode Churn}. */
  readonly churn?: Churn | undefined;
  /** See {@linkcode PortFindings}. */
  readonly ports?: PortFindings | undefined;
}

/** A baseline with this share of failed requests is in trouble. */
const TROUBLE_SHARE = 0.001;

/**
 * At most this share of the baseline's failures counts as next to none: a machine that stalls makes some
 * anywhere.
 */
const RELIEF_SHARE = 0.05;

/**
 * The runs that are judged, the baseline among them, by name; empty where the runs do not differ in their
 * sysctls.
 */
export function judgedRuns({ runs }: Pick<Results, "runs">): Run[] {
  const measured = runs.filter((run) => run.options.gateway !== null && measuredOf(run).length > 0);
  const asked = new Set(measured.map((run) => JSON.stringify(run.options.sysctls ?? {})));
  return measured.some((run) => run.baseline) && asked.size >= 2 ? measured : [];
}

/** Judges a run by what it did in place of the baseline. */
export function judgeRun({ run, churn, ports }: JudgedRun, baseline: Run): AdviceVerdict {
  if (knobsOf(run).some((knob) => !isInForce(knob))) return "not in force";
  const failed = failedShare(run);
  const failedBefore = failedShare(baseline);
  if (measuredOf(run).some(({ hosts }) => (hosts.gateway?.timeWaitOverflowed ?? 0) > 0)) return "harmful";
  if (failed > Math.max(TROUBLE_SHARE, 10 * failedBefore)) return "harmful";
  const relieved = failed <= Math.max(TROUBLE_SHARE, RELIEF_SHARE * failedBefore);
  if (relieved && (churn?.outcome === "kept" || churn?.outcome === "none opened")) return "cure";
  if (failedBefore < TROUBLE_SHARE) return "nothing to cure";
  if (run.options.loopback !== baseline.options.loopback) return relieved ? "masked" : "not masked";
  return relieved && hasPortsLeft(ports) ? "painkiller" : "placebo";
}

/**
 * Whether ports were taken again, or less than half of them were in use: so that there was no end to them.
 */
function hasPortsLeft(ports: PortFindings | undefined): boolean {
  if (ports === undefined) return true;
  return ports.repetitions.every(({ reused, usedPeak }) => reused > 0 || usedPeak < ports.range.count / 2);
}

/** What a run changed against the baseline. */
export function changesOf(run: Run, baseline: Run): Changes {
  if (run === baseline) return { sysctls: [], gateway: false };
  const before = new Map(knobsOf(baseline).map((knob) => [`${knob.host} ${knob.key}`, knob.inForce]));
  const sysctls = knobsOf(run)
    .filter((knob) => !isInForce(knob) || before.get(`${knob.host} ${knob.key}`) !== knob.inForce)
    .map((knob) => ({ key: knob.key, inForce: isInForce(knob) ? knob.inForce : null }));
  return {
    sysctls,
    ...(run.options.loopback === baseline.options.loopback
      ? {}
      : { loopback: run.options.loopback === true }),
    gateway: JSON.stringify(run.options.gateway) !== JSON.stringify(baseline.options.gateway),
  };
}

/**
 * The share of failed requests; the lower of the two in the middle, so that one bad repetition of two tells
 * nothing.
 */
export function failedShare(run: Run): number {
  const shares = measuredOf(run).map(({ errors, requests }) => failedRequests(errors) / Math.max(1, requests))
    .sort((a, b) => a - b);
  return shares[(shares.length - 1) >> 1] ?? 0;
}

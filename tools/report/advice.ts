/**
 * What each piece of advice did, against a gateway that was given none: one table with a verdict a run.
 *
 * @module
 */

import {
  type Environment,
  type Measured,
  measuredOf,
  type Results,
  type Run,
  servedPerSec,
} from "../results/results.ts";
import { estimateMedian } from "../results/intervals.ts";
import { formatInterval } from "./comparison_cells.ts";
import { portsOf } from "./exhaustion.ts";
import { formatCount, formatRatio } from "./figures.ts";
import { isInForce, knobsOf } from "./knobs.ts";
import { renderRows } from "./table.ts";
import { churnOf } from "./why.ts";

/**
 * - `cure`: connections are kept, so there is nothing left to fail.
 * - `painkiller`: next to no failures, though as many connections are opened and closed, because ports are taken again or
 *   there are many more of them than were used.
 * - `placebo`: neither. A run that was slow, and so did not reach the end of its ports, is one as well.
 * - `harmful`: TCP's own protection was thrown away, or failures are more than ten times the baseline's.
 * - `masked`, `not masked`: measured elsewhere than the baseline, on loopback; whether the failures are hidden there.
 * - `not in force`: it was not tried, for the kernel did not take it.
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

/** From this share of failed requests on, a baseline is in trouble. */
const TROUBLE_SHARE = 0.001;

/** At most this share of the baseline's failures counts as next to none. */
const RELIEF_SHARE = 0.05;

/** Judges a run by what it did in place of the baseline. */
export function judgeRun(run: Run, baseline: Run, environment: Environment): AdviceVerdict {
  if (knobsOf(run).some((knob) => !isInForce(knob))) return "not in force";
  const failed = failedShare(run);
  const failedBefore = failedShare(baseline);
  if (measuredOf(run).some(({ hosts }) => (hosts.gateway.timeWaitOverflowed ?? 0) > 0)) return "harmful";
  if (failed > Math.max(TROUBLE_SHARE, 10 * failedBefore)) return "harmful";
  if (failed < TROUBLE_SHARE && churnOf(run)?.tooSmall === false) return "cure";
  if (failedBefore < TROUBLE_SHARE) return "nothing to cure";
  const relieved = failed <= RELIEF_SHARE * failedBefore;
  if (run.options.loopback !== baseline.options.loopback) return relieved ? "masked" : "not masked";
  return relieved && hasPortsLeft(run, environment) ? "painkiller" : "placebo";
}

/** Whether ports were taken again, or less than half of them were in use: so that there was an end to what was used. */
function hasPortsLeft(run: Run, environment: Environment): boolean {
  const ports = portsOf(run, environment) ?? Infinity;
  return measuredOf(run).every((one) =>
    (one.hosts.gateway.timeWaitReused ?? 0) > 0 || one.hosts.gateway.portsUsedPeak < ports / 2
  );
}

/** The section on advice; empty where the runs do not differ in their sysctls. */
export function renderAdvice({ runs, environment }: Results): string[] {
  const baseline = runs.find((run) => run.baseline);
  const measured = runs.filter((run) => run.options.gateway !== null && measuredOf(run).length > 0);
  const asked = new Set(measured.map((run) => JSON.stringify(run.options.sysctls ?? {})));
  if (baseline === undefined || !measured.includes(baseline) || asked.size < 2) return [];
  const header = ["run", "what it changed", "verdict", "what it broke", "TIME_WAIT, peak", "failed requests"]
    .concat("requests/s", "new connections per request", "TIME_WAITs reused");
  const rows = measured.map((run) => [
    `\`${run.name}\`${run.baseline ? " (baseline)" : ""}`,
    changes(run, baseline),
    run.baseline ? "–" : `**${judgeRun(run, baseline, environment)}**`,
    damage(run),
    spread(run, ({ hosts }) => hosts.gateway.timeWaitPeak, formatCount),
    spread(run, failures, formatCount),
    spread(run, servedPerSec, formatCount),
    spread(
      run,
      ({ hosts, requests }) => hosts.gateway.connectionsOpened / Math.max(1, requests),
      formatRatio,
    ),
    spread(run, ({ hosts }) => hosts.gateway.timeWaitReused ?? undefined, formatCount),
  ]);
  return [
    "## What each of them did",
    "",
    ...renderRows(header, rows, 4),
    "",
    "A *cure* keeps connections, so that there is nothing to run out of. A *painkiller* ends the failures, while as " +
    "many connections are opened and closed as before. A *placebo* does neither. *Harmful* throws away what TIME_WAIT is there " +
    "for (TCPTimeWaitOverflow), or makes more requests fail.",
  ];
}

/** What differs from the baseline: sysctls in force, and the pool. */
function changes(run: Run, baseline: Run): string {
  if (run.baseline) return "–";
  const before = new Map(knobsOf(baseline).map((knob) => [`${knob.host} ${knob.key}`, knob.inForce]));
  const knobs = knobsOf(run).filter((knob) =>
    !isInForce(knob) || before.get(`${knob.host} ${knob.key}`) !== knob.inForce
  )
    .map((knob) =>
      `${knob.key.replace(/^net\.(ipv4|core)\./, "")} = ${isInForce(knob) ? knob.inForce : "not in force"}`
    );
  const parts = [...knobs];
  if (run.options.loopback !== baseline.options.loopback) {
    parts.push(run.options.loopback ? "on loopback" : "across the lab");
  }
  if (JSON.stringify(run.options.gateway) !== JSON.stringify(baseline.options.gateway)) {
    parts.push("the gateway's pool");
  }
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function damage(run: Run): string {
  const overflowed = estimateMedian(
    measuredOf(run).map(({ hosts }) => hosts.gateway.timeWaitOverflowed ?? 0),
  )!;
  return overflowed.high === 0 ? "–" : `TCPTimeWaitOverflow ${formatInterval(overflowed, formatCount)}`;
}

/** All errors that the load saw. */
function failures(one: Measured): number {
  const { connect, read, write, timeout, status } = one.errors;
  return connect + read + write + timeout + status;
}

function failedShare(run: Run): number {
  const measured = measuredOf(run);
  return estimateMedian(measured.map((one) => failures(one) / Math.max(1, one.requests)))?.estimate ?? 0;
}

function spread(
  run: Run,
  of: (one: Measured) => number | undefined,
  format: (value: number) => string,
): string {
  return formatInterval(
    estimateMedian(measuredOf(run).map(of).filter((value) => value !== undefined)),
    format,
  );
}

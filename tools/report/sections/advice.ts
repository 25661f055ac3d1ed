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
} from "../../results/results.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import { formatInterval } from "../cells.ts";
import { portsOf } from "./ports.ts";
import { formatCount, formatRatio } from "../format.ts";
import { isInForce, knobsOf } from "./knobs.ts";
import { renderRows } from "../table.ts";
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

/** At most this share of the baseline's failures counts as next to none: a machine that stalls makes some anywhere. */
const RELIEF_SHARE = 0.05;

/** Judges a run by what it did in place of the baseline. */
export function judgeRun(run: Run, baseline: Run, environment: Environment): AdviceVerdict {
  if (knobsOf(run).some((knob) => !isInForce(knob))) return "not in force";
  const failed = failedShare(run);
  const failedBefore = failedShare(baseline);
  if (measuredOf(run).some(({ hosts }) => (hosts.gateway.timeWaitOverflowed ?? 0) > 0)) return "harmful";
  if (failed > Math.max(TROUBLE_SHARE, 10 * failedBefore)) return "harmful";
  const relieved = failed <= Math.max(TROUBLE_SHARE, RELIEF_SHARE * failedBefore);
  if (relieved && churnOf(run)?.tooSmall === false) return "cure";
  if (failedBefore < TROUBLE_SHARE) return "nothing to cure";
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

/** What each verdict means, in the order in which a reader wants them. */
const MEANING: Readonly<Record<AdviceVerdict, string>> = {
  cure: "A *cure* keeps connections, so that there is nothing to run out of.",
  painkiller: "A *painkiller* ends the failures, while as many connections are opened and closed as before.",
  placebo: "A *placebo* does neither.",
  harmful:
    "*Harmful* throws away what TIME_WAIT is there for (TCPTimeWaitOverflow), or makes more requests fail.",
  masked: "*Masked*: loopback hides the failures; across a network they are there.",
  "not masked": "*Not masked*: they show on loopback as well.",
  "not in force": "*Not in force*: the kernel did not take it, so its figures are those without it.",
  "nothing to cure": "*Nothing to cure*: the baseline did not fail either, so nothing was shown.",
};

/** The runs that are judged and their baseline; `undefined` where the runs do not differ in their sysctls. */
function judgedOf({ runs }: Results): { baseline: Run; measured: readonly Run[] } | undefined {
  const baseline = runs.find((run) => run.baseline);
  const measured = runs.filter((run) => run.options.gateway !== null && measuredOf(run).length > 0);
  const asked = new Set(measured.map((run) => JSON.stringify(run.options.sysctls ?? {})));
  return baseline === undefined || !measured.includes(baseline) || asked.size < 2
    ? undefined
    : { baseline, measured };
}

/** All verdicts in one line; empty where there are none. */
export function summarizeAdvice(results: Results): string[] {
  const judged = judgedOf(results);
  if (judged === undefined) return [];
  const others = judged.measured.filter((run) => !run.baseline).map((run) => {
    return { name: `\`${run.name}\``, verdict: judgeRun(run, judged.baseline, results.environment) };
  });
  const parts = Object.keys(MEANING).flatMap((verdict) => {
    const names = others.filter((one) => one.verdict === verdict).map(({ name }) => name);
    return names.length === 0 ? [] : [`${verdict}: ${names.join(", ")}`];
  });
  return [`**Against \`${judged.baseline.name}\`** – ${parts.join("; ")}.`];
}

/** The section on advice; empty where the runs do not differ in their sysctls. */
export function renderAdvice(results: Results): string[] {
  const judged = judgedOf(results);
  if (judged === undefined) return [];
  const { baseline, measured } = judged;
  const header = ["run", "what it changed", "verdict", "what it broke", "TIME_WAIT, peak", "failed requests"]
    .concat("requests/s", "new connections per request", "TIME_WAITs reused");
  const verdicts = new Set<AdviceVerdict>();
  const rows = measured.map((run) => {
    const verdict = judgeRun(run, baseline, results.environment);
    if (!run.baseline) verdicts.add(verdict);
    return [
      `\`${run.name}\`${run.baseline ? " (baseline)" : ""}`,
      changes(run, baseline),
      run.baseline ? "–" : `**${verdict}**`,
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
    ];
  });
  const meanings = Object.entries(MEANING).filter(([verdict]) => verdicts.has(verdict as AdviceVerdict));
  return [
    "## What each of them did",
    "",
    ...renderRows(header, rows, 4),
    "",
    meanings.map(([, meaning]) => meaning).join(" "),
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

/** The share of failed requests; the lower of the two in the middle, so that one bad repetition of two tells nothing. */
function failedShare(run: Run): number {
  const shares = measuredOf(run).map((one) => failures(one) / Math.max(1, one.requests)).sort((a, b) =>
    a - b
  );
  return shares[(shares.length - 1) >> 1] ?? 0;
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

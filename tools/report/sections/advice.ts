/**
 * What each piece of advice did, against a gateway that was given none: one table with a verdict for each
 * run.
 *
 * @module
 */

import type { AdviceVerdict, Changes } from "../../verdict/advice.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import { intervalCell } from "../cells.ts";
import { formatCount, formatRatio } from "../format.ts";
import { prose } from "../markdown.ts";
import { renderRows } from "../table.ts";

/** What each verdict means, in the order in which a reader wants them. */
const MEANING: Readonly<Record<AdviceVerdict, string>> = {
  cure: "A *cure* keeps connections, so that there is nothing to run out of.",
  painkiller: "A *painkiller* ends the failures, while as many connections are opened and closed as before.",
  placebo: "A *placebo* does neither.",
  harmful:
    "*Harmful* advice throws away what TIME_WAIT protects from (TCPTimeWaitOverflow), or makes more requests fail.",
  masked: "*Masked*: loopback hides the failures; across a network they are there.",
  "not masked": "*Not masked*: the failures show on loopback as well.",
  "not in force": "*Not in force*: the kernel did not take the value, so the figures are those without it.",
  "nothing to cure": "*Nothing to cure*: the baseline did not fail either, so nothing was shown.",
};

/** The section; empty where the runs do not differ in their sysctls. */
export function renderAdvice({ runs }: Findings): string[] {
  const advised = runs.filter(({ advice }) => advice !== undefined);
  if (advised.length === 0) return [];
  const header = ["run", "what it changed", "verdict", "what it broke", "TIME_WAIT, peak", "failed requests"]
    .concat("requests/s", "new connections per request", "TIME_WAITs reused");
  const rows = advised.map((run) => {
    const { name, baseline, figures, advice } = run;
    return [
      `\`${name}\`${baseline ? " (baseline)" : ""}`,
      baseline ? "–" : describeChanges(advice!.changes),
      advice!.verdict === undefined ? "–" : `**${advice!.verdict}**`,
      damage(run),
      intervalCell(figures.timeWaitPeak, formatCount),
      intervalCell(figures.failedRequests, formatCount),
      intervalCell(figures.servedPerSec, formatCount),
      intervalCell(figures.openedPerRequest, formatRatio),
      intervalCell(figures.timeWaitReused, formatCount),
    ];
  });
  const given = new Set(advised.map(({ advice }) => advice!.verdict));
  const meanings = Object.entries(MEANING).filter(([verdict]) => given.has(verdict as AdviceVerdict));
  return [
    "## What each of them did",
    "",
    ...renderRows(header, rows, 4),
    "",
    meanings.map(([, meaning]) => meaning).join(" "),
  ];
}

/** What differs from the baseline: sysctls in force, the side of the lab, the gateway. */
function describeChanges({ sysctls, loopback, gateway }: Changes): string {
  const parts = sysctls.map(({ key, inForce }) =>
    prose(`${key.replace(/^net\.(ipv4|core)\./, "")} = ${inForce ?? "not in force"}`)
  );
  if (loopback !== undefined) parts.push(loopback ? "on loopback" : "across the lab");
  if (gateway) parts.push("the gateway's pool");
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function damage({ figures: { timeWaitOverflowed } }: RunFindings): string {
  return timeWaitOverflowed === undefined || timeWaitOverflowed.high === 0
    ? "–"
    : `TCPTimeWaitOverflow ${intervalCell(timeWaitOverflowed, formatCount)}`;
}

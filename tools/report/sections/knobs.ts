/**
 * What became of the sysctls that the runs asked for.
 *
 * @module
 */

import { type Knob } from "../../lab/knobs.ts";
import { type Environment, measuredOf, type Results, type Run } from "../../results/results.ts";
import { renderRows } from "../table.ts";

/** The knobs of a run, each as often as it had different fates in the repetitions. */
export function knobsOf(run: Run): Knob[] {
  const fates = new Map<string, Knob>();
  for (const knob of measuredOf(run).flatMap((one) => one.knobs ?? [])) {
    fates.set([knob.host, knob.key, knob.inForce, knob.status].join(" "), knob);
  }
  return [...fates.values()];
}

/** Whether what was asked for is in force. */
export function isInForce(knob: Knob): boolean {
  return knob.status === "applied" || knob.status === "unchanged";
}

/** The environment as a run's gateway had it: with its knobs in force. */
export function withKnobs(environment: Environment, run: Run): Environment {
  const set = knobsOf(run).flatMap((knob): [string, string][] =>
    knob.host === "gateway" && knob.inForce !== null ? [[knob.key, knob.inForce]] : []
  );
  return { ...environment, sysctls: { ...environment.sysctls, ...Object.fromEntries(set) } };
}

/** The section on knobs; empty where no run had any. */
export function renderKnobs({ runs }: Results): string[] {
  const rows = runs.flatMap((run) =>
    knobsOf(run).map((knob) => [
      `\`${run.name}\``,
      knob.host,
      `\`${knob.key}\``,
      knob.before ?? "–",
      knob.asked,
      knob.inForce ?? "–",
      isInForce(knob) ? knob.status : `**${knob.status}**`,
    ])
  );
  if (rows.length === 0) return [];
  const header = ["run", "host", "sysctl", "before", "asked for", "in force", "status"];
  return ["## Knobs", "", ...renderRows(header, rows, header.length)];
}

/** A sentence for each knob of a run that is not in force as it was asked for. */
export function warnOfKnobs(run: Run): string[] {
  return knobsOf(run).filter((knob) => !isInForce(knob) || knob.reason !== undefined).map((knob) => {
    const figures = isInForce(knob) ? "" : " The figures of this run are those without it.";
    const instead = isInForce(knob) ? `is ${knob.inForce}, not ${knob.asked}` : "is **not in force**";
    return `\`${run.name}\`: ${knob.key} ${instead} on the ${knob.host}: ${knob.reason}.${figures}`;
  });
}

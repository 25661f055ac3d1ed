/**
 * What became of the sysctls that the runs asked for.
 *
 * @module
 */

import type { Knob } from "../lab/knobs.ts";
import type { HostName } from "../scenario/host_names.ts";
import { type Environment, measuredOf, type Run } from "../results/results.ts";

/** The knobs of a run. A knob that had different fates in the repetitions stands here once for each fate. */
export function knobsOf(run: Run): Knob[] {
  const fates = new Map<string, Knob>();
  for (const knob of measuredOf(run).flatMap((repetition) => repetition.knobs ?? [])) {
    fates.set([knob.host, knob.key, knob.inForce, knob.status].join(" "), knob);
  }
  return [...fates.values()];
}

/** Whether the value that was asked for is in force. */
export function isInForce(knob: Knob): boolean {
  return knob.status === "applied" || knob.status === "unchanged";
}

/** The sysctls of a run's gateway, or of another host: those of the lab, and the run's own as in force. */
export function sysctlsOf(
  run: Run,
  environment: Environment,
  host: HostName = "gateway",
): Record<string, string> {
  const set = knobsOf(run).flatMap((knob): [string, string][] =>
    knob.host === host && knob.inForce !== null ? [[knob.key, knob.inForce]] : []
  );
  return { ...environment.sysctls, ...Object.fromEntries(set) };
}

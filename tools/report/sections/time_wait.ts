/**
 * TIME_WAIT over time, one line for each run.
 *
 * @module
 */

import { type Results, watchingOf } from "../../results/results.ts";
import type { Findings } from "../../verdict/findings.ts";
import { renderLineChart } from "../plots/mermaid.ts";

/**
 * The section: the first measured repetition of each run that has a gateway. Empty where there is none,
 * and where nobody watched it.
 */
export function renderTimeWait(_findings: Findings, { runs, environment }: Results): string[] {
  const lines = runs.filter((run) => run.options.gateway !== null).flatMap((run) =>
    watchingOf(run, "gateway").slice(0, 1).map(({ samples: { timeMs, hosts } }) => {
      return { name: run.name, timeMs, values: hosts.gateway.timeWait };
    })
  );
  const chart = renderLineChart(lines, "sockets in TIME_WAIT");
  if (chart.length === 0) return [];
  // In a host lab there is one table for the whole machine.
  const whose = environment.lab.kind === "host" ? "of the whole machine" : "on the gateway";
  return [`## TIME_WAIT ${whose} over time`, "", ...chart];
}

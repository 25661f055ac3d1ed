/**
 * Whether and when the gateway ran out of ephemeral ports: foretold from its rate of new connections, and
 * measured.
 *
 * @module
 */

import { type Results, watchingOf } from "../../results/results.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import { type PortFindings, portsInUse, type PortUse } from "../../verdict/ports.ts";
import { intervalCell, medianCell } from "../cells.ts";
import { formatCount, formatSeconds, formatShare } from "../format.ts";
import { renderLineChart } from "../plots/mermaid.ts";
import { renderRows } from "../table.ts";

/** From this factor on, connects count as slower. */
const SLOWER = 2;

type WithPorts = RunFindings & { readonly ports: PortFindings };

/** The section; empty where no run ran out of ports and no probe looked for it. */
export function renderPorts({ runs }: Findings, results: Results): string[] {
  const shown = runs.filter((run): run is WithPorts => run.ports !== undefined);
  const probed = results.runs.some(({ name, options }) =>
    options.probeConnects === true && shown.some((run) => run.name === name)
  );
  if (!probed && !shown.some(({ ports }) => ranOut(ports))) return [];
  const header = ["run", "ports", "in use, peak", "taken per s", "run out after, s: predicted"]
    .concat(
      "run out after, s: measured",
      "EADDRNOTAVAIL in the gateway's log",
      "answers that say so, as the load counts them",
    );
  const first = shown.map(({ name }) => {
    const [repetition] = watchingOf(results.runs.find((run) => run.name === name)!, "gateway");
    return { name, timeMs: repetition!.samples.timeMs, values: portsInUse(repetition!) };
  });
  const sentences = shown.flatMap((run) => [...comparePrediction(run), ...compareConnects(run)]);
  return [
    "## Ephemeral ports of the gateway",
    "",
    ...renderRows(header, shown.map(rowOf)),
    "",
    "The rate is that of the time in which a quarter to three quarters of the range were in use; the prediction is made when " +
    "three quarters are, for up to 5,000 ports: with more of them connects get so slow from the half on that the second cannot be " +
    "foretold. The log and the load differ by at most the requests in flight when the load ended." +
    (results.environment.lab.kind === "host"
      ? " In a host lab, the ports of other programs on this machine are counted with the gateway's."
      : ""),
    ...(sentences.length === 0 ? [] : ["", ...sentences.map((sentence) => `- ${sentence}`)]),
    "",
    ...renderLineChart(first, "ports in use"),
  ];
}

function rowOf({ name, ports, figures }: WithPorts): string[] {
  const { range, repetitions } = ports;
  const reused = repetitions.some((use) => use.reused > 0) && !ranOut(ports);
  const median = (of: (use: PortUse) => number | undefined, format: (value: number) => string) =>
    medianCell(repetitions.map(of), format);
  return [
    `\`${name}\``,
    formatCount(range.count),
    median((use) => use.usedPeak, formatCount),
    reused ? "–" : median((use) => use.takenPerSec, formatCount),
    reused ? "taken again" : median((use) => use.predictedSec, formatSeconds),
    median((use) => use.exhaustedSec, formatSeconds),
    median((use) => use.failed, formatCount),
    intervalCell(figures.failedByStatus, formatCount),
  ];
}

function ranOut({ repetitions }: PortFindings): boolean {
  return repetitions.some(({ exhaustedSec }) => exhaustedSec !== undefined);
}

/** How far the predicted second is from the measured one. */
function comparePrediction({ name, ports }: WithPorts): string[] {
  const errors = ports.repetitions.flatMap(({ predictedSec, exhaustedSec }) =>
    predictedSec === undefined || exhaustedSec === undefined || exhaustedSec === 0
      ? []
      : [Math.abs(predictedSec / exhaustedSec - 1)]
  );
  if (errors.length === 0) return [];
  return [`\`${name}\` ran out of ports; the prediction was off by ${medianCell(errors, formatShare)}.`];
}

/** How long connects took before half of the range was in use, and after. */
function compareConnects({ name, ports: { connects } }: WithPorts): string[] {
  if (connects === undefined) return [];
  const { beforeHalfUs, beforeHalfCount, afterHalfUs, afterHalfCount, failed } = connects;
  const times = afterHalfUs / beforeHalfUs;
  const outcome = times < SLOWER
    ? "no slower"
    : `**${
      formatSeconds(times)
    } times as long, before the first connect failed**. The kernel tries the ports of one parity ` +
      "first, and has to search once they are taken";
  return [
    `\`${name}\`: a connect to the backend took ${
      formatCount(beforeHalfUs)
    } µs (median of ${beforeHalfCount}) until half ` +
    `of the range was in use, and ${
      formatCount(afterHalfUs)
    } µs (median of ${afterHalfCount}) from then on: ${outcome}.` +
    (failed === 0 ? "" : ` ${formatCount(failed)} connects of the probe failed.`),
  ];
}

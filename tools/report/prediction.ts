/**
 * The words for predictions.
 *
 * @module
 */

import type { Band, EnoughPool, HardCap, PortCourse, Prediction } from "../predict/mod.ts";
import { NAT_TIME_WAIT_SEC, SLOW_PER_SEC } from "../predict/mod.ts";
import { formatCount, formatRatio, formatRough, formatSeconds } from "./format.ts";
import { joinSections } from "./report.ts";
import { renderRows } from "./table.ts";

/** Renders a prediction as Markdown. */
export function renderPrediction(prediction: Prediction): string {
  const { enough, hardCap, natPorts } = prediction;
  return joinSections([
    renderAnswer(prediction),
    renderFigures(prediction),
    [...renderPorts("Ports", prediction.ports)],
    natPorts === undefined ? [] : renderPorts("Ports of the NAT", natPorts),
    enough === undefined ? [] : renderEnough(enough, prediction),
    hardCap === undefined ? [] : renderHardCap(hardCap, prediction),
    renderFormulas(prediction),
    renderAssumptions(prediction),
  ]);
}

function renderAnswer(
  { openedPerRequest, openedPerSec, ports, hardCap, requestsPerSec }: Prediction,
): string[] {
  const { median, low, high } = openedPerRequest;
  const range = `${formatRatio(low)} to ${formatRatio(high)}`;
  if (hardCap !== undefined && hardCap.growsPerSec > 0) {
    return [
      `**The hard cap is too low**: it lets ${
        formatCount(hardCap.ceilingPerSec)
      } requests/s through, and the ` +
      `queue grows by ${formatCount(hardCap.growsPerSec)} requests a second.`,
    ];
  }
  if (ports.median.exhaustedSec === 0) {
    return [
      `**There are too few ports**: connections that are busy or idle alone need more than the ` +
      `${formatCount(ports.median.ports)} towards one destination.`,
    ];
  }
  if (high < 0.01) {
    return [
      `**The pool keeps its connections**: it opens ${range} for each of ` +
      `${formatCount(requestsPerSec.median)} requests/s.`,
    ];
  }
  const { halfSec, exhaustedSec } = ports.worst;
  const end = exhaustedSec !== undefined
    ? ` The ports run out after ${formatSeconds(exhaustedSec)} s at the earliest.`
    : halfSec !== undefined
    ? ` Half of the ports are in use after ${formatSeconds(halfSec)} s at the earliest.`
    : " The ports do not run out.";
  return [
    `**The pool is too small**: the gateway opens ${formatRatio(median)} connections for each request ` +
    `(${range}), ${formatCount(openedPerSec.median)} a second.${end}`,
  ];
}

function renderFigures(prediction: Prediction): string[] {
  const row = (name: string, { median, low, high }: Band, format: (value: number) => string) => [
    name,
    format(median),
    format(low),
    format(high),
  ];
  return renderRows(["figure", "predicted", "lowest", "highest"], [
    row("requests/s", prediction.requestsPerSec, formatCount),
    row("new connections per request", prediction.openedPerRequest, formatRatio),
    row("new connections/s", prediction.openedPerSec, formatCount),
    row("TIME_WAIT after a minute", prediction.timeWait, formatCount),
    row("busy connections", prediction.busy, formatCount),
    row("time that a request has a connection, ms", prediction.holdMs, formatSeconds),
    row("requests in a row without an answer", prediction.batch, formatCount),
  ]);
}

function renderPorts(
  heading: string,
  { median, worst }: { readonly median: PortCourse; readonly worst: PortCourse },
): string[] {
  const sec = (value: number | undefined) =>
    value === undefined ? "never" : `after ${formatSeconds(value)} s`;
  const { slow } = worst;
  const keep = heading === "Ports" ? 60 : NAT_TIME_WAIT_SEC;
  return [
    `#### ${heading}`,
    "",
    `Of ${formatCount(median.ports)} ports towards one destination, ${
      formatCount(median.held)
    } are held after ` +
    `${keep} s. At the middle rate half are in use ${sec(median.halfSec)}, all ${
      sec(median.exhaustedSec)
    }; at the ` +
    `highest rate half ${sec(worst.halfSec)}, all ${
      sec(worst.exhaustedSec)
    }: the earliest, for connects that stay ` +
    "fast.",
    ...(slow === undefined || worst.exhaustedSec === 0 ? [] : [
      `From the half on the kernel has to search for a free port. On two CPUs it opened ${
        SLOW_PER_SEC[0]
      } to ` +
      `${SLOW_PER_SEC[1]} connections a second from then on. At ${SLOW_PER_SEC[1]} the ports run out ` +
      (slow.fastestSec === null ? "never, because TIME_WAITs end first" : sec(slow.fastestSec)) +
      (slow.slowestSec !== null
        ? `, at ${SLOW_PER_SEC[0]} ${sec(slow.slowestSec)}.`
        : slow.fastestSec === null
        ? "."
        : `, at ${SLOW_PER_SEC[0]} never, because TIME_WAITs end first.`),
    ]),
  ];
}

function renderEnough({ least, most }: EnoughPool, { model }: Prediction): string[] {
  const scope = [
    ...(model.destinations > 1 ? ["each destination"] : []),
    ...(model.pool.together || model.gateway.workers === 1 ? [] : ["each worker"]),
  ].join(" and ");
  const where = scope === "" ? "" : ` for ${scope}`;
  const sure = `${formatCount(most)}${where}: so many were busy at a time`;
  return [
    "#### The pool that would be enough",
    "",
    least === undefined
      ? `At most ${sure}. The search for less would take too long for a model of this size.`
      : `${formatCount(least)}${where} opened a connection for less than 1% of the requests in each of ` +
        `five simulations. Whatever the batches: ${sure}.`,
  ];
}

function renderHardCap(cap: HardCap, { model }: Prediction): string[] {
  const between = ({ low, high }: Band, format: (value: number) => string) =>
    `${format(low)} to ${format(high)}`;
  return [
    "#### The hard cap",
    "",
    `${
      formatCount(model.pool.maxConns * model.gateway.workers)
    } connections to each destination let at most ` +
    `${formatCount(cap.ceilingPerSec)} requests/s through. ${
      formatRough(cap.queuedShare.median)
    } of the requests wait (${between(cap.queuedShare, formatRough)}), for ` +
    `${formatSeconds(cap.waitMs.median)} ms on average (${between(cap.waitMs, formatSeconds)}); ` +
    `${formatSeconds(cap.queueMean.median)} wait at a time.` +
    (cap.refusedShare.high > 0 ? ` ${formatRough(cap.refusedShare.median)} are refused.` : "") +
    (cap.growsPerSec > 0 ? ` The queue grows by ${formatCount(cap.growsPerSec)} requests a second.` : ""),
  ];
}

function renderFormulas({ formulas }: Prediction): string[] {
  const value = (figure: number) => figure >= 10 ? formatCount(figure) : formatRatio(figure);
  return [
    "#### Beside it, the closed formulas",
    "",
    ...renderRows(
      ["figure", "formula", "assumes", "value"],
      formulas.map((formula) => [formula.figure, formula.formula, formula.assumes, value(formula.value)]),
      3,
    ),
  ];
}

function renderAssumptions({ model, plan }: Prediction): string[] {
  const { gateway, load, cpus } = model;
  const us = Math.round(gateway.requestUs + gateway.answerUs);
  const loop = load.kind === "closed"
    ? `a closed loop of ${formatCount(load.connections)} clients`
    : `an open loop of ${formatCount(load.ratePerSec)} requests/s`;
  const order = gateway.order === "in turn"
    ? "in turn"
    : `in rounds of up to some ${gateway.batch} answers and then the requests`;
  const count = plan.members === 1
    ? "One simulation"
    : `The middle, the lowest and the highest of ${plan.members} simulations`;
  return [
    `${count}, of ${
      formatSeconds(plan.untilSec)
    } s each; figures are those of the second half. Each has a seed ` +
    "of its own, and CPU times, batches and pauses that are off by as much as they are known: the band is " +
    `theirs, and holds if the model does. Simulated: ${loop}; ${formatCount(gateway.workers)} ` +
    `worker${
      gateway.workers === 1 ? "" : "s"
    } of a gateway that uses ${us} µs of CPU for a request and works ` +
    `${order}; ${
      cpus === Infinity ? "CPUs that nobody shares" : `${formatCount(cpus)} CPUs that all parties share`
    }.`,
  ];
}

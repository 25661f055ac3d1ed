/**
 * The words for what is predicted from a capture.
 *
 * @module
 */

import type { KnownLoad, PredictedDestination, Prediction } from "../predict/mod.ts";
import { formatCount, formatRatio, formatSeconds } from "./format.ts";
import { code } from "./markdown.ts";
import { joinSections } from "./report.ts";
import { renderRows } from "./table.ts";

/** Renders what becomes of each destination, now and with another pool, and what was assumed. */
export function renderPredictedCapture(
  destinations: readonly PredictedDestination[],
  known: KnownLoad,
): string {
  if (destinations.length === 0) {
    return "The capture shows no connection that this machine opened: there is nothing to predict.\n";
  }
  return joinSections([
    renderTable(destinations, known),
    ...destinations.map((destination) => renderAssumed(destination, known)),
    known.requestsPerSec !== undefined ? [] : [
      "The capture does not show how many requests are served: `--requests-per-sec N`, from a log or from " +
      "statistics, predicts what another pool would do.",
    ],
  ]);
}

function renderTable(
  destinations: readonly PredictedDestination[],
  { pool = Infinity }: KnownLoad,
): string[] {
  const withPool = destinations.some((destination) => destination.withPool !== undefined);
  const size = pool === Infinity ? "no limit" : formatCount(pool);
  const now = ["destination", "connections opened/s", "of the ports in use after a minute", "they run out"];
  return renderRows(
    [...now, ...(withPool ? ["connections per request", `with a pool of ${size}`, "opened/s then"] : [])],
    destinations.map(({ name, openedPerSec, ports, openedPerRequest, withPool: then }) => [
      code(name),
      formatCount(openedPerSec),
      `${formatCount(ports.held)} of ${formatCount(ports.ports)}`,
      ports.exhaustedSec === undefined ? "never" : `after ${formatSeconds(ports.exhaustedSec)} s`,
      ...(withPool
        ? [openedPerRequest === undefined ? "–" : formatRatio(openedPerRequest), ...cellsOf(then)]
        : []),
    ]),
  );
}

function cellsOf(then: Prediction | undefined): string[] {
  if (then === undefined) return ["–", "–"];
  const { openedPerRequest, openedPerSec } = then;
  return [
    `${formatRatio(openedPerRequest.median)} (${formatRatio(openedPerRequest.low)}…${
      formatRatio(openedPerRequest.high)
    })`,
    `${formatCount(openedPerSec.median)} (${formatCount(openedPerSec.low)}…${
      formatCount(openedPerSec.high)
    })`,
  ];
}

function renderAssumed({ name, assumed }: PredictedDestination, { question }: KnownLoad): string[] {
  if (assumed === undefined) return [];
  const { latencyMs, isLatencyGuessed, ratePerSec } = assumed;
  return [
    `Assumed of ${code(name)}: ${
      formatCount(ratePerSec)
    } requests/s, its part by connections; an open loop at ` +
    `random times; answers after ${formatSeconds(latencyMs)} ms` +
    (isLatencyGuessed
      ? ", the longest that its established connections allow if each is busy (Little), which `--latency` replaces"
      : "") +
    `; a gateway that works like ${code(question?.gateway ?? "http-client")} on the machine of the profiles.`,
  ];
}

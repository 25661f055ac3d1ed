/**
 * The words for predictions of runs that were measured.
 *
 * @module
 */

import type { Beside, Calibration, PredictedRun, PredictedRuns } from "../predict/mod.ts";
import { formatChange, formatCount, formatRatio } from "./format.ts";
import { code } from "./markdown.ts";
import { renderRows } from "./table.ts";

/** The section of a report. */
export function renderPredictedSection(predicted: PredictedRuns): string[] {
  return ["### Predicted beside measured", "", ...renderPredictedRuns(predicted)];
}

/** Renders the predictions of a document's runs beside what was measured, as lines of Markdown. */
export function renderPredictedRuns({ baseline, calibration, runs, left }: PredictedRuns): string[] {
  return [
    ...(runs.length === 0 ? ["There is no run that can be predicted."] : [...renderTable(runs), ""]),
    ...(runs.length === 0 ? [] : [`${sayCalibration(baseline, calibration)} ${sayHits(runs)}`]),
    ...runs.filter(({ onlyBounds }) => onlyBounds !== undefined)
      .map(({ name, onlyBounds }) => `- ${code(name)} has only bounds: ${onlyBounds}.`),
    ...runs.filter(isVague).map(({ name, openedPerRequest: { predicted: { low, high } } }) =>
      `- ${code(name)} is not told well enough to act on: the highest is ${
        low === 0 ? "far above the lowest, 0" : `${(high / low).toFixed(0)} times the lowest`
      }.`
    ),
    ...left.map(({ name, reason }) => `- ${code(name)} is not predicted: ${reason}.`),
  ];
}

/** A band as wide as this many times its lowest says little. */
const VAGUE = 5;

/** Connections per request that matter to nobody, however uncertain they are. */
const FEW = 0.05;

function isVague({ onlyBounds, openedPerRequest: { predicted: { low, high } } }: PredictedRun): boolean {
  return onlyBounds === undefined && high > FEW && high > VAGUE * low;
}

function renderTable(runs: readonly PredictedRun[]): string[] {
  const cells = ({ predicted, measured, error, isWithin }: Beside, format: (value: number) => string) => [
    `${format(predicted.median)} (${format(predicted.low)}…${format(predicted.high)})`,
    `${format(measured.median)} (${format(measured.low)}…${format(measured.high)})`,
    error === null ? "–" : formatChange(error),
    isWithin ? "yes" : "no",
  ];
  return renderRows(
    [
      "run",
      "connections per request, predicted",
      "measured",
      "off by",
      "within",
      "requests/s, predicted",
      "measured",
    ],
    runs.map(({ name, openedPerRequest, requestsPerSec, onlyBounds }) => {
      const [predicted, measured, offBy, within] = cells(openedPerRequest, formatRatio);
      const { low, high } = openedPerRequest.predicted;
      return [
        code(name),
        ...(onlyBounds === undefined
          ? [predicted!, measured!, offBy!, within!]
          : [`${formatRatio(low)}…${formatRatio(high)}`, measured!, "–", "only bounds"]),
        ...cells(requestsPerSec, formatCount).slice(0, 2),
      ];
    }),
  );
}

function sayCalibration(baseline: string, { by, slowness, bunchings }: Calibration): string {
  if (by === "profile") {
    return `${code(baseline)} was not measured, so the machine is taken to be the one of the profiles.`;
  }
  return `The machine was calibrated on ${code(baseline)} by its ${by}: it takes ${
    slowness.toFixed(2)
  } times as long as the one on which the profiles were measured.` +
    (bunchings === undefined
      ? ` ${code(baseline)} does not show how bunched requests come, so this is the profile's.`
      : ` How bunched requests come is that of ${code(baseline)} as well.`);
}

/** Bounds are no predictions, and count as no hits. */
function sayHits(runs: readonly PredictedRun[]): string {
  const all = runs.filter(({ onlyBounds }) => onlyBounds === undefined);
  const within = all.filter(({ openedPerRequest }) => openedPerRequest.isWithin).length;
  return `${within} of ${all.length} measured medians are within the predicted band.`;
}

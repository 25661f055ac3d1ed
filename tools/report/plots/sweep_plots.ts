/**
 * Plots over the value of a setting.
 *
 * @module
 */

import type { Results } from "../../results/results.ts";
import type { Interval } from "../../verdict/intervals.ts";
import { KNEE_SHARE } from "../../verdict/knee.ts";
import { type Curve, type CurvePoint, curvesOf } from "../../verdict/sweep.ts";
import { headSetting } from "../setting.ts";
import type { Plot, PlotLine } from "./plot.ts";

/** From this ratio of the highest to the lowest value on, the axis is logarithmic. */
const LOGARITHMIC_FROM = 8;

/** What is drawn: a figure of each point, in the unit of its axis. */
interface Figure {
  readonly name: string;
  readonly title: string;
  readonly yName: string;
  readonly isOfGateways?: true;
  of(point: CurvePoint): Interval | undefined;
  readonly scale?: number;
}

const FIGURES: readonly Figure[] = [
  {
    name: "sweep_requests",
    title: "Requests served a second",
    yName: "requests/s",
    of: ({ servedPerSec }) => servedPerSec,
  },
  {
    name: "sweep_p99",
    title: "Latency, 99th percentile",
    yName: "ms",
    of: ({ latencyP99Us }) => latencyP99Us,
    scale: 1 / 1000,
  },
  {
    name: "sweep_new_connections",
    title: "Connections opened to the backend for each request",
    yName: "connections per request",
    isOfGateways: true,
    of: ({ openedPerRequest }) => openedPerRequest,
  },
  {
    name: "sweep_time_wait",
    title: "TIME_WAIT on the gateway, peak",
    yName: "sockets in TIME_WAIT",
    isOfGateways: true,
    of: ({ timeWaitPeak }) => timeWaitPeak,
  },
];

/**
 * The plots of a sweep: medians over the first setting that was varied, and thin lines for the ends of their
 * intervals.
 *
 * @param colourOf the colour of the n-th curve.
 */
export function sweepPlots(
  results: Results,
  colourOf: (index: number) => string,
  markColour: string,
): Plot[] {
  const all = curvesOf(results).map((curve, i) => ({ ...curve, colour: colourOf(i) }));
  // A run that lacks the first setting has another axis.
  const name = (all.find(({ hasGateway }) => hasGateway) ?? all[0])?.name;
  const curves = all.filter((curve) => curve.name === name);
  if (name === undefined) return [];
  const values = curves.flatMap(({ points }) => points.map(({ value }) => value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return FIGURES.map((figure): Plot => {
    const drawn = curves.filter(({ hasGateway }) => hasGateway || !figure.isOfGateways);
    const mark: PlotLine = {
      name: `knee: ${KNEE_SHARE}`,
      colour: markColour,
      weight: "mark",
      points: [[low, KNEE_SHARE], [high, KNEE_SHARE]],
    };
    return {
      name: figure.name,
      title: figure.title,
      xName: headSetting(name),
      yName: figure.yName,
      xScale: low > 0 && high / low >= LOGARITHMIC_FROM ? "log" : "value",
      lines: [
        ...drawn.flatMap((curve) => linesOf(curve, figure)),
        ...(figure.name === "sweep_new_connections" ? [mark] : []),
      ],
    };
  }).filter(({ lines }) => lines.some(({ points }) => points.length > 0));
}

function linesOf(
  { label, colour, points }: Curve & { readonly colour: string },
  { of, scale = 1 }: Figure,
): PlotLine[] {
  const line = (end: "estimate" | "low" | "high"): PlotLine => ({
    name: label,
    colour,
    weight: end === "estimate" ? "middle" : "other",
    points: points.flatMap((point) => {
      const interval = of(point);
      return interval === undefined ? [] : [[point.value, interval[end] * scale] as const];
    }),
  });
  const certain = points.every((point) => (of(point)?.confidence ?? 0) === 0);
  return certain ? [line("estimate")] : [line("low"), line("high"), line("estimate")];
}

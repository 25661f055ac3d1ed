/**
 * What the plots show, as plain data: a pure function of the results.
 *
 * @module
 */

import { hasOwnTables } from "../../lab/any_lab.ts";
import { summarizeLatency } from "../../load/latency.ts";
import { mergeLatency } from "../../load/latency_histogram.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import {
  isWatching,
  type Measured,
  measuredOf,
  openerOf,
  type Results,
  type Run,
  servedPerSec,
} from "../../results/results.ts";
import { sysctlsOf } from "../../verdict/knobs.ts";
import { portRange, portsInUse } from "../../verdict/ports.ts";
import { formatCount } from "../format.ts";
import { nameLoop } from "../load.ts";
import { COLOURS } from "./mermaid.ts";
import type { Plot, PlotLine } from "./plot.ts";
import { sweepPlots } from "./sweep_plots.ts";

export type { Plot, PlotLine };

/** Rates are taken over at least this time, in milliseconds: over less they would show the sampling. */
const RATE_OVER_MS = 450;

const MARK_COLOUR = "#888888";
const SINCE_LOAD_BEGAN = "seconds since the load began";

/** The plots that the results have data for. */
export function plotsOf(results: Results): Plot[] {
  // Of runs at so many values, the course over time of each would fill a wall.
  if (results.runs.some(({ swept }) => swept !== undefined)) {
    return sweepPlots(results, colourOf, MARK_COLOUR);
  }
  const overTime = { xName: SINCE_LOAD_BEGAN, xScale: "linear" } as const;
  const plots: Plot[] = [
    {
      ...overTime,
      name: "time_wait",
      title: "TIME_WAIT on the host that opens the connections to the backend",
      yName: "sockets in TIME_WAIT",
      lines: linesOf(
        results,
        (repetition, run) =>
          inSeconds(repetition, repetition.samples.hosts[openerOf(run.options)]?.timeWait ?? []),
      ),
    },
    {
      ...overTime,
      name: "new_connections",
      title: "Connections opened to the backend",
      yName: "new connections/s",
      lines: linesOf(
        results,
        ({ samples: { timeMs, hosts } }, run) =>
          ratesOf(timeMs, hosts[openerOf(run.options)]?.connectionsOpened ?? []),
      ),
    },
    {
      ...overTime,
      name: "requests",
      title: "Requests answered by the backend",
      yName: "requests/s",
      lines: linesOf(results, (repetition) => answeredRates(repetition)),
    },
    {
      ...overTime,
      name: "latency",
      title:
        "Mean latency by Little's law: connections ÷ requests/s, because every connection always has a request under way",
      yName: "ms",
      lines: linesOf(
        results,
        (repetition, run) =>
          // The connections of an open loop are idle at times, so that rate and connections do not give the
          // latency.
          run.options.load.ratePerSec !== undefined
            ? []
            : answeredRates(repetition).flatMap(([sec, rate]) =>
              rate > 0 ? [[sec, run.options.load.connections / rate * 1000] as const] : []
            ),
      ),
    },
    latencyDistribution(results),
    ...(hasOwnTables(results.environment.lab.kind) ? [portPlot(results)] : []),
  ];
  return plots.filter(({ lines }) => lines.some((line) => line.weight !== "mark" && line.points.length > 1));
}

/** All answers of a run together; an answer that came too late counts as long as the timeout. */
function latencyDistribution(results: Results): Plot {
  const lines = results.runs.flatMap((run, i): PlotLine[] => {
    const measured = measuredOf(run);
    const merged = new Map(mergeLatency(measured.flatMap(({ latencyHistogram }) => latencyHistogram ?? [])));
    if (merged.size === 0) return [];
    const timeouts = measured.reduce((sum, { errors }) => sum + errors.timeout, 0);
    const timeoutUs = run.options.load.timeoutMs * 1000;
    if (timeouts > 0) merged.set(timeoutUs, (merged.get(timeoutUs) ?? 0) + timeouts);
    const all = [...merged.values()].reduce((sum, count) => sum + count, 0);
    const { max } = summarizeLatency(merged);
    let below = 0;
    const points = [...merged].sort(([a], [b]) => a - b).flatMap(([us, count]) => {
      below += count;
      return below < all ? [[1 / (1 - below / all), us / 1000] as const] : [];
    });
    return [{
      name: run.name,
      colour: colourOf(i),
      weight: "middle",
      points: [...points, [all, max / 1000]],
    }];
  });
  const loops = [...new Set(results.runs.map(({ options }) => nameLoop(options.load)))];
  return {
    name: "latency_distribution",
    title: `Latency of all repetitions together (${loops.join("; ")})`,
    xName: "share of answers that took at most this long",
    yName: "ms",
    xScale: "percentile",
    lines,
  };
}

/** Ephemeral ports towards the backend, beside how many there are: each range that a run had. */
function portPlot(results: Results): Plot {
  const lines = linesOf(
    results,
    (repetition) => isWatching(repetition, "gateway") ? inSeconds(repetition, portsInUse(repetition)) : [],
  );
  const ranges = results.runs.map((run) =>
    portRange(sysctlsOf(run, results.environment)["net.ipv4.ip_local_port_range"])?.count
  );
  const lastSec = Math.max(0, ...lines.flatMap(({ points }) => points.map(([sec]) => sec)));
  const mark = (name: string, y: number): PlotLine => ({
    name,
    colour: MARK_COLOUR,
    weight: "mark",
    points: [[0, y], [lastSec, y]],
  });
  const marks = [...new Set(ranges)].flatMap((count) =>
    count === undefined ? [] : [
      mark(`all ${formatCount(count)} ports`, count),
      mark("half: connects get slow", count / 2),
    ]
  );
  return {
    name: "ports",
    title: "Ephemeral ports in use towards the backend",
    xName: SINCE_LOAD_BEGAN,
    yName: "ports",
    xScale: "linear",
    lines: [...lines, ...marks],
  };
}

type Points = PlotLine["points"];

/** A line for each repetition; the middle repetitions come last, so that they are drawn on top. */
function linesOf({ runs }: Results, pointsOf: (repetition: Measured, run: Run) => Points): PlotLine[] {
  const lines = runs.flatMap((run, i) => {
    const measured = measuredOf(run);
    const median = estimateMedian(measured.map(servedPerSec))?.estimate ?? 0;
    const distance = (repetition: Measured) => Math.abs(servedPerSec(repetition) - median);
    const middle = measured.toSorted((a, b) => distance(a) - distance(b))[0];
    return measured.map((repetition): PlotLine => ({
      name: run.name,
      colour: colourOf(i),
      weight: repetition === middle ? "middle" : "other",
      points: pointsOf(repetition, run),
    }));
  });
  return lines.toSorted((a, b) => Number(a.weight === "middle") - Number(b.weight === "middle"));
}

/** The colours of the Markdown chart, and then some that have no square to name them there. */
const PLOT_COLOURS = [...COLOURS.map(({ hex }) => hex), "#e377c2", "#17becf", "#bcbd22", "#7f7f7f"];

function colourOf(index: number): string {
  return PLOT_COLOURS[index % PLOT_COLOURS.length]!;
}

function inSeconds({ samples }: Measured, values: readonly number[]): Points {
  return values.map((value, i) => [samples.timeMs[i]! / 1000, value] as const);
}

/** Rates per second of a growing count, each placed at the end of the time that it was taken over. */
function ratesOf(timeMs: readonly number[], counts: readonly number[]): Points {
  const rates: [number, number][] = [];
  for (let from = 0, to = 1; to < counts.length; to++) {
    const passedMs = timeMs[to]! - timeMs[from]!;
    if (passedMs < RATE_OVER_MS) continue;
    rates.push([timeMs[to]! / 1000, Math.round((counts[to]! - counts[from]!) / passedMs * 1000)]);
    from = to;
  }
  return rates;
}

function answeredRates({ samples }: Measured): Points {
  return ratesOf(samples.answered.timeMs, samples.answered.requests);
}

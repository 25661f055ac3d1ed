/**
 * Runs that differ in the value of a setting, as curves over that value.
 *
 * @module
 */

import {
  type Measured,
  measuredOf,
  openerOf,
  type Results,
  type Run,
  servedPerSec,
  watchingOf,
} from "../results/results.ts";
import { describeSwept } from "../scenario/sweep.ts";
import { pairRounds } from "./comparison.ts";
import { estimateMedian, estimateRatio, type Interval } from "./intervals.ts";

/** One run of a scenario over the values of a setting. */
export interface Curve {
  /** The run of the scenario, with the values of the other settings that were varied. */
  readonly label: string;
  /** The setting, as a field of the run's options: `connections`, `latencyMs`. */
  readonly name: string;
  /** Whether the load went through a gateway. */
  readonly hasGateway: boolean;
  /** In the order of the values. */
  readonly points: readonly CurvePoint[];
}

/** A run at one value. */
export interface CurvePoint {
  /** The value of the setting. */
  readonly value: number;
  /** The name of the run. */
  readonly run: string;
  /** Medians of its repetitions; left out where nothing was measured. */
  readonly servedPerSec?: Interval;
  /** The 99th percentile in microseconds. */
  readonly latencyP99Us?: Interval;
  /** Connections opened to the backend for each request. */
  readonly openedPerRequest?: Interval;
  /** Connections opened to the backend. */
  readonly opened?: Interval;
  /** The most sockets in TIME_WAIT on the gateway. Left out for a direct run. */
  readonly timeWaitPeak?: Interval;
  /** Connections opened for each request, of each repetition that was measured. */
  readonly shares: readonly number[];
}

/** Whether the runs of a document differ in the value of a setting that was swept. */
export function isSwept({ runs, method }: Pick<Results, "runs" | "method">): boolean {
  return method.find === undefined && runs.some(({ swept }) => swept !== undefined);
}

/** The curves of a document, in the order of its runs; empty where nothing was swept. */
export function curvesOf({ runs }: Pick<Results, "runs">): Curve[] {
  const curves = new Map<string, Curve & { points: CurvePoint[] }>();
  for (const run of runs) {
    const [first, ...others] = run.swept ?? [];
    if (first === undefined) continue;
    const label = [run.series ?? run.name, ...others.map(describeSwept)].join(" ");
    const key = `${first.name} ${label}`;
    const curve = curves.get(key) ??
      { label, name: first.name, hasGateway: run.options.gateway !== null, points: [] };
    curve.points.push(pointOf(run, first.value));
    curves.set(key, curve);
  }
  return [...curves.values()].map((curve) => ({
    ...curve,
    points: curve.points.toSorted((a, b) => a.value - b.value),
  }));
}

/**
 * What a run is compared with: the baseline of the scenario at the same values, as far as it has the
 * settings.
 */
function yardstickOf(run: Run, runs: readonly Run[]): Run | undefined {
  const baseline = runs.find((one) => one.baseline);
  const series = (one: Run) => one.series ?? one.name;
  if (baseline === undefined || series(baseline) === series(run)) return undefined;
  return runs.find((one) =>
    series(one) === series(baseline) &&
    (one.swept ?? []).every(({ name, value }) =>
      run.swept?.some((other) => other.name === name && other.value === value) ?? false
    )
  );
}

/**
 * Served requests per second of a run against those of the baseline at the same values, round by round;
 * `undefined` where there is nothing to compare with.
 */
export function ratioAtSameValues(run: Run, runs: readonly Run[]): Interval | undefined {
  const yardstick = yardstickOf(run, runs);
  return yardstick && estimateRatio(pairRounds(yardstick, run, servedPerSec));
}

function pointOf(run: Run, value: number): CurvePoint {
  const measured = measuredOf(run);
  const opener = openerOf(run.options);
  const seen = watchingOf(run, opener);
  const shares = seen.map(({ hosts, requests }) => hosts[opener].connectionsOpened / Math.max(1, requests));
  const median = (of: (repetition: Measured) => number) => estimateMedian(measured.map(of));
  const all = {
    servedPerSec: median(servedPerSec),
    latencyP99Us: median(({ latencyUs }) => latencyUs.p99),
    openedPerRequest: estimateMedian(shares),
    opened: estimateMedian(seen.map(({ hosts }) => hosts[opener].connectionsOpened)),
    timeWaitPeak: run.options.gateway === null
      ? undefined
      : estimateMedian(seen.map(({ hosts }) => hosts[opener].timeWaitPeak)),
  };
  const known = Object.fromEntries(Object.entries(all).filter(([, interval]) => interval !== undefined));
  return { value, run: run.name, ...known, shares };
}

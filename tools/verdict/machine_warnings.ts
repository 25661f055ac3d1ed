/**
 * Warnings about what may have bent the figures: others on the machine, parties at their limit, repetitions
 * that lie apart.
 *
 * @module
 */

import { medianAbsoluteDeviation } from "simple-statistics";
import { divideLoad } from "../load/divide_load.ts";
import type { Arrivals, LoadGenerator } from "../load/load.ts";
import {
  isMeasured,
  type Measured,
  measuredOf,
  type Results,
  type Run,
  servedPerSec,
} from "../results/results.ts";
import { baselineOf, compareWithBaseline } from "./comparison.ts";
import { parseGate } from "./gate.ts";
import { estimateMedian } from "./intervals.ts";
import type { Seen, Warning, WarningKind } from "./warning.ts";

/** Shares from which on a warning is given. */
const LIMITS = {
  others: 0.05,
  steal: 0.01,
  oneThread: 0.95,
  idle: 0.03,
  late: 0.01,
  saturated: 0.1,
} as const;

/**
 * What the open loop's process uses before its first request, in seconds: the start of Deno, and a warm-up of
 * its own.
 */
const OPEN_LOOP_START_SEC = 0.3;

/** Differences of up to this share are small ones. */
const SMALL_DIFFERENCE = 0.05;

/**
 * How far from the median a repetition must lie to be said to lie apart, in median absolute deviations, by
 * the number of repetitions from which on the limit holds. Of so many values of a normal distribution, the
 * farthest lies beyond it in 1% of runs (simulated, 60,000 runs each). With fewer than 6 no limit tells
 * anything: two that agree make an outlier of any third.
 */
const OUTLIER_LIMITS = [[6, 16], [8, 12.2], [10, 10.2], [12, 9.5], [15, 8.8], [20, 7.7], [30, 7.1]] as const;

/** The kinds that {@linkcode warnOfMachine} gives. */
export const MACHINE_WARNINGS: ReadonlySet<WarningKind> = new Set([
  "others",
  "steal",
  "governor",
  "load at its limit",
  "client busy",
  "machine busy",
  "backend at its limit",
  "cpus full",
  "saturated",
  "requests late",
  "requests unsent",
  "outlier",
]);

/** The warnings about the machine and the parties. */
export function warnOfMachine(results: Results): Warning[] {
  const { environment, runs } = results;
  const governors = environment.governors.filter((governor) => governor !== "performance");
  return [
    ...warnOfOthers(runs),
    ...(governors.length === 0 ? [] : [{ kind: "governor", figures: { governors } } as const]),
    ...runs.flatMap((run) => [
      ...warnOfLimits(run, environment.load.name),
      ...warnOfClients(run, environment),
      ...warnOfMachines(run),
      ...warnOfArrivals(run),
      ...warnOfOutliers(run),
    ]),
    ...warnOfSaturation(results),
  ];
}

/** Names the runs of which a few percent are asked that their saturated CPUs hide. */
function warnOfSaturation(results: Results): Warning[] {
  const baseline = baselineOf(results);
  const { until = null, decide } = results.method ?? {};
  const gates = (decide?.gates ?? []).map((gate) => parseGate(gate));
  const asksForLittle = until !== null && until.width <= SMALL_DIFFERENCE ||
    gates.some(({ relative, limit }) => relative && Math.abs(limit) <= SMALL_DIFFERENCE);
  return [...compareWithBaseline(results)].flatMap(([name, { ratio, verdict }]): Warning[] => {
    if (ratio === undefined || baseline === undefined) return [];
    const run = results.runs.find((run) => run.name === name)!;
    const idle = [...measuredOf(run), ...measuredOf(baseline)]
      .flatMap(({ machine }) => machine === null ? [] : [machine.idle]);
    const idleShare = estimateMedian(idle)?.estimate;
    const width = ratio.high - ratio.low;
    if (idleShare === undefined || idleShare >= LIMITS.saturated || width <= SMALL_DIFFERENCE) return [];
    if (!asksForLittle && verdict !== "no difference shown") return [];
    return [{ kind: "saturated", run: name, figures: { idleShare, width } }];
  });
}

function warnOfOthers(runs: readonly Run[]): Warning[] {
  const machines = runs.flatMap(measuredOf).flatMap(({ machine }) => machine === null ? [] : [machine]);
  return (["others", "steal"] as const).flatMap((kind): Warning[] => {
    const limitShare = LIMITS[kind];
    const shares = machines.map((machine) => machine[kind]).filter((share) => share >= limitShare);
    if (shares.length === 0) return [];
    const seen = { repetitions: shares.length, of: machines.length };
    return [{ kind, figures: { ...seen, mostShare: Math.max(...shares), limitShare } }];
  });
}

function warnOfLimits({ name: run, repetitions, options }: Run, generator: LoadGenerator): Warning[] {
  const measured = repetitions.filter(isMeasured);
  const seen = (at: (repetition: Measured) => boolean): Seen => {
    return { repetitions: measured.filter(at).length, of: measured.length };
  };
  const threads = generator === "wrk" ? options.load.threads : 1;
  // Several clients are looked at one by one.
  const load = seen((repetition) =>
    repetition.onMachines === undefined &&
    isBusy(repetition.processes.load.cpuSec - startSecOf(generator), threads, repetition)
  );
  const backend = seen((repetition) => isBusy(repetition.processes.backend?.cpuSec ?? 0, 1, repetition));
  const full = seen(({ machine }) => machine !== null && machine.idle < LIMITS.idle);
  const all: Warning[] = [
    { kind: "load at its limit", run, figures: { ...load, generator, threads } },
    { kind: "backend at its limit", run, figures: backend },
    { kind: "cpus full", run, figures: full },
  ];
  return all.filter(({ figures }) => (figures as Seen).repetitions > 0);
}

/** Whether a party had so many threads, and all of them were busy. */
function isBusy(cpuSec: number, threads: number, { durationSec }: Measured): boolean {
  return cpuSec >= LIMITS.oneThread * threads * durationSec;
}

function startSecOf(generator: LoadGenerator): number {
  return generator === "open-loop" ? OPEN_LOOP_START_SEC : 0;
}

/** Names the machines of given gateways and backends that had no CPU time left. */
function warnOfMachines(run: Run): Warning[] {
  const measured = measuredOf(run);
  return (["gateway", "backend"] as const).flatMap((party): Warning[] => {
    const shares = measured.flatMap(({ onMachines }) => onMachines?.idleShares[party] ?? [])
      .filter((share) => share < LIMITS.idle);
    if (shares.length === 0) return [];
    const figures = {
      repetitions: shares.length,
      of: measured.length,
      party,
      idleShare: Math.min(...shares),
    };
    return [{ kind: "machine busy", run: run.name, figures }];
  });
}

/** Names the clients that had no CPU time left, or whose generator had none. */
function warnOfClients(run: Run, { load, machines = [] }: Results["environment"]): Warning[] {
  const measured = measuredOf(run);
  const clients = measured[0]?.onMachines?.clients.length ?? 0;
  if (clients === 0) return [];
  const threads = load.name === "wrk" ? divideLoad(run.options.load, clients)[0]!.threads : 1;
  return Array.from({ length: clients }, (_, i): Warning[] => {
    const busy = measured.filter((repetition) => {
      const { idleShare, cpuSec } = repetition.onMachines!.clients[i]!;
      return idleShare < LIMITS.idle || isBusy(cpuSec - startSecOf(load.name), threads, repetition);
    });
    if (busy.length === 0) return [];
    const idleShare = Math.min(...busy.map(({ onMachines }) => onMachines!.clients[i]!.idleShare));
    const prefix = machines.filter(({ party }) => party === "client")[i]?.prefix ?? "";
    const figures = {
      repetitions: busy.length,
      of: measured.length,
      client: i + 1,
      clients,
      prefix,
      idleShare,
    };
    return [{ kind: "client busy", run: run.name, figures }];
  }).flat();
}

/**
 * The requests of an open loop that were not sent when they were due, beyond a share that does not matter.
 */
function warnOfArrivals(run: Run): Warning[] {
  const arrivals = measuredOf(run).flatMap((repetition) => repetition.arrivals ?? []);
  const total = (of: (one: Arrivals) => number) => arrivals.reduce((sum, one) => sum + of(one), 0);
  const [due, late, unsent] = [total((one) => one.due), total((one) => one.late), total((one) => one.unsent)];
  return [
    ...(late > LIMITS.late * due
      ? [{ kind: "requests late", run: run.name, figures: { late, due } } as const]
      : []),
    ...(unsent > 0 ? [{ kind: "requests unsent", run: run.name, figures: { unsent, due } } as const] : []),
  ];
}

/** Names the repetitions that lie apart. They stay in all figures: only their reader can know why they do. */
function warnOfOutliers(run: Run): Warning[] {
  const values = measuredOf(run).map(servedPerSec);
  const medianRequestsPerSec = estimateMedian(values)?.estimate;
  const [, limit] = OUTLIER_LIMITS.findLast(([least]) => values.length >= least) ?? [];
  if (medianRequestsPerSec === undefined || limit === undefined) return [];
  const farFrom = limit * medianAbsoluteDeviation(values);
  if (farFrom === 0) return [];
  return run.repetitions.flatMap((repetition, i): Warning[] => {
    if (!isMeasured(repetition)) return [];
    const { machine } = repetition;
    const requestsPerSec = servedPerSec(repetition);
    if (Math.abs(requestsPerSec - medianRequestsPerSec) <= farFrom) return [];
    const figures = {
      repetition: i + 1,
      requestsPerSec,
      medianRequestsPerSec,
      ...(machine === null ? {} : { othersShare: machine.others }),
    };
    return [{ kind: "outlier", run: run.name, figures }];
  });
}

/**
 * Warnings about what may have bent the figures: others on the machine, parties at their limit, repetitions that lie
 * apart. Each says what was seen and what to do about it.
 *
 * @module
 */

import { medianAbsoluteDeviation } from "simple-statistics";
import type { Arrivals, LoadGenerator } from "../../load/load.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import { isMeasured, type Measured, measuredOf, type Results, type Run } from "../../results/results.ts";
import { formatCount, formatShare } from "../format.ts";

/** Shares from which on a warning is given. */
const LIMITS = { others: 0.05, steal: 0.01, oneThread: 0.95, idle: 0.03, late: 0.01 } as const;

/**
 * How far from the median a repetition counts as an outlier, in median absolute deviations made comparable with a
 * standard deviation (B. Iglewicz, D. Hoaglin, How to Detect and Handle Outliers, 1993: 0.6745 and 3.5).
 */
const OUTLIER = 3.5 / 0.6745;

/** With fewer repetitions than this none is called an outlier: two that agree would make one of any third. */
const LEAST_FOR_OUTLIERS = 5;

/** The warnings about the machine and the parties, as lines of Markdown without bullets. */
export function warnOfMachine(results: Results): string[] {
  const { environment, runs } = results;
  const slow = environment.governors.filter((governor) => governor !== "performance");
  return [
    ...warnOfOthers(runs),
    ...(slow.length === 0 ? [] : [
      `The CPU frequency governor is ${slow.join(", ")}: the clock changes with the load. As root, ` +
      "`cpupower frequency-set -g performance` holds it.",
    ]),
    ...runs.flatMap((run) => [
      ...warnOfLimits(run, environment.load.name),
      ...warnOfArrivals(run),
      ...warnOfOutliers(run),
    ]),
  ];
}

function warnOfOthers(runs: readonly Run[]): string[] {
  const seen = runs.flatMap(measuredOf).flatMap(({ machine }) => machine === null ? [] : [machine]);
  const disturbed = seen.filter(({ others }) => others >= LIMITS.others);
  const stolen = seen.filter(({ steal }) => steal >= LIMITS.steal);
  const most = (shares: number[]) => formatShare(Math.max(...shares));
  return [
    ...(disturbed.length === 0 ? [] : [
      `Others used up to ${most(disturbed.map(({ others }) => others))} of the machine's CPU time, ` +
      `${
        formatShare(LIMITS.others)
      } or more in ${disturbed.length} of ${seen.length} repetitions: stop what else runs ` +
      "here, or repeat more often (`--until 3%`).",
    ]),
    ...(stolen.length === 0 ? [] : [
      `The hypervisor gave up to ${
        most(stolen.map(({ steal }) => steal))
      } of the CPU time to other virtual machines, ` +
      `${
        formatShare(LIMITS.steal)
      } or more in ${stolen.length} of ${seen.length} repetitions: measure on a machine ` +
      "with CPUs of its own.",
    ]),
  ];
}

const MORE_LOAD: Readonly<Record<LoadGenerator, string>> = {
  "wrk": "Give it more `--threads`, where there are CPUs for them.",
  "autocannon": "wrk can do more.",
  "open-loop": "Ask for a lower `--rate`.",
};

/** The requests of an open loop that were not sent when they were due, beyond a share that does not matter. */
function warnOfArrivals(run: Run): string[] {
  const arrivals = measuredOf(run).flatMap((one) => one.arrivals ?? []);
  const total = (of: (one: Arrivals) => number) => arrivals.reduce((sum, one) => sum + of(one), 0);
  const [due, late, unsent] = [total((one) => one.due), total((one) => one.late), total((one) => one.unsent)];
  return [
    ...(late <= LIMITS.late * due ? [] : [
      `\`${run.name}\`: the open loop took up ${formatCount(late)} of ${
        formatCount(due)
      } requests more than 10 ms after ` +
      "they were due: it was at its own limit, and part of the latency is its own. Ask for a lower `--rate`.",
    ]),
    ...(unsent === 0 ? [] : [
      `\`${run.name}\`: ${formatCount(unsent)} of ${
        formatCount(due)
      } requests that were due were never sent, because no ` +
      "connection was free before they had timed out: they count as failed. More were asked for than it can serve, or " +
      "`--connections` are too few.",
    ]),
  ];
}

function warnOfLimits(run: Run, generator: LoadGenerator): string[] {
  const measured = measuredOf(run);
  const often = (at: (one: Measured) => boolean) => {
    const times = measured.filter(at).length;
    return times === 0 ? undefined : `in ${times} of ${measured.length} repetitions`;
  };
  const threads = generator === "wrk" ? run.options.load.threads : 1;
  const load = often((one) => one.processes.load.cpuSec >= LIMITS.oneThread * threads * one.durationSec);
  const backend = often((one) => one.processes.backend.cpuSec >= LIMITS.oneThread * one.durationSec);
  const full = often(({ machine }) => machine !== null && machine.idle < LIMITS.idle);
  return [
    ...(load === undefined ? [] : [
      `\`${run.name}\`: ${generator} was at its own limit ${load}, its ${
        threads === 1 ? "thread" : `${threads} threads`
      } all but always busy: the figures are its own. ${MORE_LOAD[generator]}`,
    ]),
    ...(backend === undefined ? [] : [
      `\`${run.name}\`: the backend was at its limit ${backend}, one CPU all but always busy: a gateway is compared ` +
      "with what the backend can do, not with what the network can. A `--latency` takes load off it.",
    ]),
    ...(full === undefined ? [] : [
      `\`${run.name}\`: all CPUs were busy ${full}: client, gateway and backend took time from each other, so the loss ` +
      "can be larger than on machines of their own.",
    ]),
  ];
}

/** Names the repetitions that lie apart. They stay in all figures: only their reader can know why they do. */
function warnOfOutliers(run: Run): string[] {
  const values = measuredOf(run).map((one) => one.requestsPerSec);
  const middle = estimateMedian(values)?.estimate;
  if (middle === undefined || values.length < LEAST_FOR_OUTLIERS) return [];
  const farFrom = OUTLIER * medianAbsoluteDeviation(values);
  return run.repetitions.flatMap((one, i) => {
    if (!isMeasured(one) || farFrom === 0 || Math.abs(one.requestsPerSec - middle) <= farFrom) return [];
    const others = one.machine === null
      ? ""
      : `; others used ${formatShare(one.machine.others)} of the CPU time then`;
    return [
      `\`${run.name}\`: repetition ${i + 1} lies apart, ${
        formatCount(one.requestsPerSec)
      } requests/s where the median ` +
      `is ${formatCount(middle)}${others}. It is kept in all figures.`,
    ];
  });
}

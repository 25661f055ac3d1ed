/**
 * Whether and when the gateway ran out of ephemeral ports: foretold from its rate of new connections, and measured.
 *
 * @module
 */

import {
  type Environment,
  type Measured,
  measuredOf,
  type Results,
  type Run,
} from "../../results/results.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import { failuresOf } from "../../observe/upstream_failures.ts";
import { renderLines } from "../plots/mermaid.ts";
import { formatInterval } from "../cells.ts";
import { formatCount, formatSeconds, formatShare } from "../format.ts";
import { withKnobs } from "./knobs.ts";
import { renderRows } from "../table.ts";
import { portRange } from "./why.ts";

/**
 * The rate is taken while this share of the ports is used up: after the start, and on both sides of the half, from which
 * on connects are slower. Where CPUs are scarce that halves the rate, and one of the first half alone is off by 30%.
 */
const RATE_FROM = 0.25;
const RATE_UNTIL = 0.75;

/** From this share on the kernel has to search for a free port: it tries the ports of one parity first. */
const SLOW_FROM = 0.5;

/** So many connects are the fewest that a median is told of. */
const FEWEST_CONNECTS = 5;

/** What a repetition did with the ephemeral ports of its gateway. */
export interface PortUse {
  /** How many there are towards one destination. */
  readonly ports: number;
  /** Those in use at each time of the samples. */
  readonly used: readonly number[];
  /** New ones taken per second, between a quarter and three quarters of them in use; `undefined` where it never came to that. */
  readonly takenPerSec: number | undefined;
  /** When half of them were in use, in seconds since the load began. */
  readonly halfSec: number | undefined;
  /** When they run out, if the rate stays: foretold at the time when three quarters were in use. */
  readonly predictedSec: number | undefined;
  /** When the first connect failed for want of a port. */
  readonly exhaustedSec: number | undefined;
}

/** Looks at the ports of a repetition; `ports` is how many there are. */
export function portUseOf(one: Measured, ports: number): PortUse {
  const { timeMs, hosts } = one.samples;
  const groups = one.hosts.gateway.timeWaitGroups;
  const waiting = sum(groups.map((group) => group.timeWait));
  const opened = sum(groups.filter((group) => group.side === "opened").map((group) => group.timeWait));
  const openedShare = waiting === 0 ? 1 : opened / waiting;
  // A connection of the client is established on the gateway as well; the rest are those to the backend.
  const used = timeMs.map((_, i) =>
    Math.round(
      hosts.gateway.timeWait[i]! * openedShare +
        Math.max(0, hosts.gateway.established[i]! - hosts.client.established[i]!),
    )
  );
  const reached = (share: number) => used.findIndex((count) => count >= share * ports);
  const half = reached(SLOW_FROM);
  const until = reached(RATE_UNTIL);
  // A range so narrow that both fall into one sample: since the load began then.
  const from = reached(RATE_FROM) < until ? reached(RATE_FROM) : 0;
  const untilSec = until < 0 ? undefined : timeMs[until]! / 1000;
  const takenPerSec = untilSec === undefined || until <= from
    ? undefined
    : (used[until]! - used[from]!) / (untilSec - timeMs[from]! / 1000);
  const firstMs = one.upstreamFailures?.find((failure) => failure.code === EXHAUSTED)?.firstMs;
  return {
    ports,
    used,
    takenPerSec,
    halfSec: half < 0 ? undefined : timeMs[half]! / 1000,
    predictedSec: untilSec === undefined || takenPerSec === undefined || takenPerSec <= 0
      ? undefined
      : untilSec + (ports - used[until]!) / takenPerSec,
    exhaustedSec: firstMs === undefined ? undefined : Math.max(0, firstMs) / 1000,
  };
}

const EXHAUSTED = "EADDRNOTAVAIL";

/** The section on ephemeral ports; empty where none ran out and no probe looked for it. */
export function renderExhaustion({ runs, environment }: Results): string[] {
  const used = runs.flatMap((run) => {
    const ports = portsOf(run, environment);
    return ports === undefined || run.options.gateway === null || measuredOf(run).length === 0
      ? []
      : [{ run, uses: measuredOf(run).map((one) => portUseOf(one, ports)) }];
  });
  const troubled = used.some(({ run, uses }) =>
    run.options.probeConnects || uses.some((use) => use.exhaustedSec !== undefined)
  );
  if (!troubled) return [];
  const header = ["run", "ports", "in use, peak", "taken per s", "run out after, s: predicted"]
    .concat(
      "run out after, s: measured",
      "EADDRNOTAVAIL in the gateway's log",
      "answers that say so, as the load counts them",
    );
  const rows = used.map(({ run, uses }) => {
    const reused = measuredOf(run).some(({ hosts }) => (hosts.gateway.timeWaitReused ?? 0) > 0) &&
      uses.every((use) => use.exhaustedSec === undefined);
    return [
      `\`${run.name}\``,
      formatCount(uses[0]!.ports),
      spread(uses.map((use) => Math.max(...use.used)), formatCount),
      reused ? "–" : spread(uses.map((use) => use.takenPerSec), formatCount),
      reused ? "taken again" : spread(uses.map((use) => use.predictedSec), formatSeconds),
      spread(uses.map((use) => use.exhaustedSec), formatSeconds),
      spread(
        measuredOf(run).map((one) => one.upstreamFailures && failuresOf(one.upstreamFailures, EXHAUSTED)),
        formatCount,
      ),
      spread(measuredOf(run).map((one) => one.errors.status), formatCount),
    ];
  });
  const first = used.map(({ run, uses }) => {
    return { name: run.name, timeMs: measuredOf(run)[0]!.samples.timeMs, values: uses[0]!.used };
  });
  const sentences = used.flatMap((
    { run, uses },
  ) => [...comparePrediction(run, uses), ...compareConnects(run, uses)]);
  return [
    "## Ephemeral ports of the gateway",
    "",
    ...renderRows(header, rows),
    "",
    "The rate is that between a quarter and three quarters of the range in use, and the prediction of the latter moment. The log and the load differ by at most " +
    "the requests in flight when the load ended." +
    (environment.lab.kind === "host"
      ? " In a host lab what else runs on this machine is counted with the gateway's ports."
      : ""),
    ...(sentences.length === 0 ? [] : ["", ...sentences.map((sentence) => `- ${sentence}`)]),
    "",
    ...renderLines(first, "ports in use"),
  ];
}

/** How many ephemeral ports there are towards one destination, with the knobs of the run. */
export function portsOf(run: Run, environment: Environment): number | undefined {
  return portRange(withKnobs(environment, run).sysctls["net.ipv4.ip_local_port_range"])?.count;
}

/** How far the predicted second is from the measured one. */
function comparePrediction(run: Run, uses: readonly PortUse[]): string[] {
  const errors = uses.flatMap(({ predictedSec, exhaustedSec }) =>
    predictedSec === undefined || exhaustedSec === undefined || exhaustedSec === 0
      ? []
      : [Math.abs(predictedSec / exhaustedSec - 1)]
  );
  if (errors.length === 0) return [];
  return [
    `\`${run.name}\` ran out of ports; the prediction was off by ${spread(errors, formatShare)}.`,
  ];
}

/** How long connects took before half of the range was in use, and after. */
function compareConnects(run: Run, uses: readonly PortUse[]): string[] {
  const before: number[] = [];
  const after: number[] = [];
  let failed = 0;
  for (const [i, { connects }] of measuredOf(run).entries()) {
    const { halfSec = Infinity, exhaustedSec = Infinity } = uses[i]!;
    for (const [k, us] of (connects?.connectUs ?? []).entries()) {
      const sec = connects!.timeMs[k]! / 1000;
      if (us === null) failed++;
      else if (sec < halfSec) before.push(us);
      else if (sec < exhaustedSec) after.push(us);
    }
  }
  const slow = estimateMedian(after);
  const quick = estimateMedian(before);
  if (slow === undefined || quick === undefined || Math.min(before.length, after.length) < FEWEST_CONNECTS) {
    return [];
  }
  const times = slow.estimate / quick.estimate;
  const outcome = times < 2
    ? "no slower"
    : `**${
      formatSeconds(times)
    } times as long, before the first of them failed**: the kernel tries the ports of one parity ` +
      "first, and has to search once they are taken";
  return [
    `\`${run.name}\`: a connect to the backend took ${
      formatCount(quick.estimate)
    } µs (median of ${before.length}) until half of ` +
    `the range was in use, and ${
      formatCount(slow.estimate)
    } µs (median of ${after.length}) from then on: ${outcome}.` +
    (failed === 0 ? "" : ` ${formatCount(failed)} connects of the probe failed.`),
  ];
}

function spread(values: readonly (number | undefined)[], format: (value: number) => string): string {
  return formatInterval(estimateMedian(values.filter((value) => value !== undefined)), format);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

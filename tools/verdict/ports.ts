/**
 * Ephemeral ports: how many there are, how many were in use, and when they ran out, foretold and measured.
 *
 * @module
 */

import { openedShareOf, portsUsed } from "../observe/ports_used.ts";
import { failuresOf } from "../observe/upstream_failures.ts";
import {
  type Environment,
  type Measured,
  openerIn,
  type Run,
  type Watching,
  watchingOf,
} from "../results/results.ts";
import { estimateMedian } from "./intervals.ts";
import { sysctlsOf } from "./knobs.ts";

/**
 * The rate is taken while the share of ports in use rises from the one to the other: after the start, and on
 * both sides of the half, from which on connects are slower. Where CPUs are scarce that halves the rate, and
 * a rate of the first half alone is off by 30%.
 */
const RATE_FROM = 0.25;
const RATE_UNTIL = 0.75;

/**
 * Up to so many ports the second of exhaustion is foretold. With the default range of 28,232, connects from
 * the half on take 4.5 to 5.3 ms each, new connections fall from 1,240 to 1,970 a second to 200 to 390, and
 * ports foretold to be gone after 14.3 s were gone after 54.2 s.
 */
const FORETOLD_UP_TO = 5_000;

/** From this share on the kernel has to search for a free port: it tries the ports of one parity first. */
export const SLOW_FROM = 0.5;

/** Fewest connects for which a median is reported. */
const FEWEST_CONNECTS = 5;

const EXHAUSTED = "EADDRNOTAVAIL";

/** `net.ipv4.ip_local_port_range`, both ends included. */
export interface PortRange {
  /** The lowest port. */
  readonly first: number;
  /** The highest port. */
  readonly last: number;
  /** How many ports there are towards one destination. */
  readonly count: number;
}

/** What a repetition did with the ephemeral ports of its gateway. */
export interface PortUse {
  /** The most ports in use at a time. */
  readonly usedPeak: number;
  /**
   * New ports taken per second, while a quarter to three quarters of them were in use. Left out where it
   * never came to that.
   */
  readonly takenPerSec?: number;
  /** When half of them were in use, in seconds since the load began. Left out where they never were. */
  readonly halfSec?: number;
  /**
   * When they run out if the rate stays, foretold at the time when three quarters were in use; in seconds
   * since the load began. Left out for more than 5,000 ports: the rate does not stay then.
   */
  readonly predictedSec?: number;
  /**
   * When the first connect failed for want of a port, in seconds since the load began. Left out where none
   * did.
   */
  readonly exhaustedSec?: number;
  /**
   * Connects that failed for want of a port, as the gateway's log says. Left out for a gateway whose log is
   * not read.
   */
  readonly failed?: number;
  /** TIME_WAITs whose port a new connection took again; 0 where that is not known. */
  readonly reused: number;
}

/** How long connects of the probe took, over all repetitions of a run. */
export interface ConnectFindings {
  /** The median before half of the ports were in use, in microseconds. */
  readonly beforeHalfUs: number;
  /** How many connects that is the median of. */
  readonly beforeHalfCount: number;
  /** The median from then on, until the first connect failed, in microseconds. */
  readonly afterHalfUs: number;
  /** How many connects that is the median of. */
  readonly afterHalfCount: number;
  /** Connects of the probe that failed. */
  readonly failed: number;
}

/** A run's ephemeral ports towards the backend. */
export interface PortFindings {
  /** The range with the run's knobs in force. */
  readonly range: PortRange;
  /** In the order of the measured repetitions. */
  readonly repetitions: readonly PortUse[];
  /** Left out without a probe, and where it saw too little of either half. */
  readonly connects?: ConnectFindings;
}

/**
 * The ports of a run; `undefined` for a direct run, and where nothing was measured, the range is not known,
 * or nobody watched the gateway.
 */
export function portsOf(run: Run, environment: Environment): PortFindings | undefined {
  const range = portRange(sysctlsOf(run, environment)["net.ipv4.ip_local_port_range"]);
  const measured = watchingOf(run, "gateway");
  if (range === undefined || run.options.gateway === null || measured.length === 0) return undefined;
  const repetitions = measured.map((repetition) => portUseOf(repetition, range.count));
  const connects = connectsOf(measured, repetitions);
  return {
    range,
    repetitions,
    ...(connects === undefined ? {} : { connects }),
  };
}

/**
 * The ephemeral ports towards the backend in use at each time of the samples, on the host that opens the
 * connections.
 */
export function portsInUse(repetition: Watching<"gateway">): number[] {
  const { samples, hosts } = repetition;
  const opener = openerIn(repetition);
  const openedShare = openedShareOf(hosts[opener].timeWaitGroups);
  const { client, gateway } = samples.hosts;
  return samples.timeMs.map((_, i) => {
    const at = ({ timeWait, established }: typeof client) => {
      return { timeWait: timeWait[i]!, established: established[i]! };
    };
    return Math.round(portsUsed(opener, { client: at(client), gateway: at(gateway) }, openedShare));
  });
}

/** Looks at the ports of a repetition; `ports` is how many there are. */
export function portUseOf(repetition: Watching<"gateway">, ports: number): PortUse {
  const { timeMs } = repetition.samples;
  const used = portsInUse(repetition);
  const reached = (share: number) => used.findIndex((count) => count >= share * ports);
  const half = reached(SLOW_FROM);
  const until = reached(RATE_UNTIL);
  // A range so narrow that both fall into one sample: since the load began then.
  const from = reached(RATE_FROM) < until ? reached(RATE_FROM) : 0;
  const untilSec = until < 0 ? undefined : timeMs[until]! / 1000;
  const takenPerSec = untilSec === undefined || until <= from
    ? undefined
    : (used[until]! - used[from]!) / (untilSec - timeMs[from]! / 1000);
  const predicted = untilSec !== undefined && takenPerSec !== undefined && takenPerSec > 0 &&
    ports <= FORETOLD_UP_TO;
  const { upstreamFailures } = repetition;
  const firstMs = upstreamFailures?.find((failure) => failure.code === EXHAUSTED)?.firstMs;
  return {
    usedPeak: Math.max(0, ...used),
    ...(takenPerSec === undefined ? {} : { takenPerSec }),
    ...(half < 0 ? {} : { halfSec: timeMs[half]! / 1000 }),
    ...(predicted ? { predictedSec: untilSec + (ports - used[until]!) / takenPerSec } : {}),
    ...(firstMs === undefined ? {} : { exhaustedSec: Math.max(0, firstMs) / 1000 }),
    ...(upstreamFailures === undefined ? {} : { failed: failuresOf(upstreamFailures, EXHAUSTED) }),
    reused: repetition.hosts.gateway.timeWaitReused ?? 0,
  };
}

/** How many connects of a repetition failed for want of a port; 0 where that is not known. */
export function portsFailed({ upstreamFailures }: Measured): number {
  return failuresOf(upstreamFailures, EXHAUSTED);
}

/**
 * Connections that a repetition's gateway opened per second in the second half of the time until `untilMs`,
 * its whole load unless told otherwise: those that fill the pool at first are paid for once.
 */
export function openedOnceWarm({ samples }: Watching<"gateway">, untilMs = Infinity): number {
  const { timeMs, hosts } = samples;
  const opened = hosts.gateway.connectionsOpened;
  const end = timeMs.findLastIndex((time) => time <= untilMs);
  if (end < 0) return 0;
  const half = timeMs.findIndex((time) => time >= timeMs[end]! / 2);
  const seconds = (timeMs[end]! - timeMs[half]!) / 1000;
  return seconds > 0 ? (opened[end]! - opened[half]!) / seconds : 0;
}

function connectsOf(measured: readonly Measured[], uses: readonly PortUse[]): ConnectFindings | undefined {
  const before: number[] = [];
  const after: number[] = [];
  let failed = 0;
  for (const [i, { connects }] of measured.entries()) {
    const { halfSec = Infinity, exhaustedSec = Infinity } = uses[i]!;
    for (const [k, us] of (connects?.connectUs ?? []).entries()) {
      const sec = connects!.timeMs[k]! / 1000;
      if (us === null) failed++;
      else if (sec < halfSec) before.push(us);
      else if (sec < exhaustedSec) after.push(us);
    }
  }
  if (Math.min(before.length, after.length) < FEWEST_CONNECTS) return undefined;
  return {
    beforeHalfUs: estimateMedian(before)!.estimate,
    beforeHalfCount: before.length,
    afterHalfUs: estimateMedian(after)!.estimate,
    afterHalfCount: after.length,
    failed,
  };
}

/**
 * Parses `net.ipv4.ip_local_port_range`; `undefined` where it was not read or holds no range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { portRange } from "./ports.ts";
 *
 * assertEquals(portRange("32768 60999"), { first: 32768, last: 60999, count: 28232 });
 * ```
 */
export function portRange(text: string | undefined): PortRange | undefined {
  const [first, last] = (text ?? "").split(" ").map(Number);
  if (!first || !last) return undefined;
  return { first, last, count: last - first + 1 };
}

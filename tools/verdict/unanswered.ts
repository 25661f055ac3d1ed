/**
 * What a load's own figures leave out: requests that were never answered, and requests that waited for a
 * connection. Little's law shows both.
 *
 * @module
 */

import { type Measured, measuredOf, type Run } from "../results/results.ts";
import { sendingMs } from "../scenario/resolve_requests.ts";
import { estimateMedian } from "./intervals.ts";
import type { Warning } from "./warning.ts";

/**
 * How much of its time a connection of a closed loop may spend outside of the requests that were answered,
 * besides one mean latency for the request on its way at the end: for connects, and where CPUs are scarce.
 */
export const SILENT_SHARE = 0.2;

/** So many more requests under way than there are connections mean that some waited for one. */
const QUEUED = 1.1;

/** What Little's law says of a repetition. */
interface Balance {
  readonly connections: number;
  /**
   * How long an answered request took on average, in microseconds; one that came too late took the timeout.
   */
  readonly meanLatencyUs: number;
  /** Requests under way at a time, on average: their rate × their mean latency. */
  readonly underWay: number;
}

/** `undefined` where the latencies were not kept, or nothing was answered. */
function balanceOf(
  { latencyHistogram, errors: { timeout }, latencyUs, durationSec }: Measured,
  { options: { load: { connections } } }: Run,
): Balance | undefined {
  if (latencyHistogram === null) return undefined;
  // Not the requests: a script that pipelines has one latency for several of them.
  const latencies = latencyHistogram.count.reduce((sum, count) => sum + count, timeout);
  if (latencies === 0 || durationSec === 0) return undefined;
  return {
    connections,
    meanLatencyUs: latencyUs.mean,
    underWay: latencies * latencyUs.mean / 1e6 / durationSec,
  };
}

/**
 * The requests that a repetition of a closed loop has left unanswered; `undefined` where there were none
 * beyond those that a load always has on their way when its time is over, and where that is not known.
 *
 * A connection of a closed loop always has a request on its way, so by Little's law connections ÷ rate is the
 * mean latency. What is missing was spent on requests that were not answered, or on connections that did not
 * come about.
 */
export function unansweredOf(repetition: Measured, run: Run): number | undefined {
  const { inFlight, durationSec } = repetition;
  const balance = balanceOf(repetition, run);
  if (inFlight === undefined || balance === undefined || run.options.load.ratePerSec !== undefined) {
    return undefined;
  }
  const { connections, meanLatencyUs, underWay } = balance;
  const { burst } = run.options.load;
  // In a pause nothing is due. Answers that come in one make up for more than the burst that they are of.
  const dueSec = burst === undefined ? durationSec : sendingMs(durationSec * 1000, burst) / 1000;
  const openSec = Math.max(0, dueSec - connectingSec(repetition));
  // Of a late answer only the timeout is known: it may well have taken twice that.
  const lateSec = repetition.errors.timeout * run.options.load.timeoutMs / 1000;
  const silentSec = openSec - (underWay * durationSec + lateSec) / connections;
  const silent = silentSec > SILENT_SHARE * openSec + meanLatencyUs / 1e6;
  return silent || fewAnswers(repetition, connections, openSec) ? inFlight : undefined;
}

/**
 * Whether fewer connections can have had an answer at all than would have, were the requests like those that
 * were answered: a load that ends soon after the first answers knows the fastest of them only.
 */
function fewAnswers(
  { latencyHistogram, errors: { timeout } }: Measured,
  connections: number,
  openSec: number,
): boolean {
  const { us, count } = latencyHistogram!;
  const answers = count.reduce((sum, n) => sum + n, 0);
  const inTime = us.reduce((sum, latency, i) => latency <= openSec * 1e6 ? sum + count[i]! : sum, 0);
  return answers + timeout < (1 - SILENT_SHARE) * connections * inTime / answers;
}

/** How long it took until nearly all connections of the client stood that did at the end, in seconds. */
function connectingSec({ samples: { timeMs, hosts: { client: { established } } } }: Measured): number {
  const nearlyAll = 0.9 * (established.at(-1) ?? 0);
  const i = established.findIndex((count) => count >= nearlyAll);
  return i < 0 ? 0 : timeMs[i]! / 1000;
}

/** The unanswered requests of a run: the median of its repetitions, where most of them have some. */
export function medianUnanswered(run: Run): number | undefined {
  const measured = measuredOf(run);
  const found = measured.flatMap((repetition) => unansweredOf(repetition, run) ?? []);
  return 2 * found.length > measured.length ? estimateMedian(found)!.estimate : undefined;
}

/** The warnings that follow from Little's law. */
export function warnOfBalance(run: Run): Warning[] {
  return run.options.load.ratePerSec === undefined ? warnOfUnanswered(run) : warnOfQueue(run);
}

function warnOfUnanswered(run: Run): Warning[] {
  const measured = measuredOf(run);
  const worst = measured
    .flatMap((repetition) => {
      const unanswered = unansweredOf(repetition, run);
      return unanswered === undefined ? [] : [{ unanswered, ...balanceOf(repetition, run)! }];
    })
    .toSorted((a, b) => a.underWay - b.underWay);
  const [first] = worst;
  if (first === undefined) return [];
  const { unanswered, connections, meanLatencyUs, underWay } = first;
  return [{
    kind: "unanswered",
    run: run.name,
    figures: {
      repetitions: worst.length,
      of: measured.length,
      unanswered,
      connections,
      silentShare: 1 - underWay / connections,
      meanLatencyUs,
      // Connections ÷ rate, the rate being that of the latencies.
      expectedLatencyUs: meanLatencyUs * connections / underWay,
    },
  }];
}

/** Requests of an open loop that waited for a connection. */
function warnOfQueue(run: Run): Warning[] {
  const measured = measuredOf(run);
  const queued = measured
    .flatMap((repetition) => balanceOf(repetition, run) ?? [])
    .filter(({ underWay, connections }) => underWay > QUEUED * connections)
    .toSorted((a, b) => b.underWay - a.underWay);
  const [first] = queued;
  if (first === undefined) return [];
  const figures = { repetitions: queued.length, of: measured.length, ...first };
  return [{ kind: "connections too few", run: run.name, figures }];
}

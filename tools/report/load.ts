/**
 * The load in words: what kind of loop it was, and so what its latencies are.
 *
 * @module
 */

import type { BurstPlan, LoadPlan } from "../scenario/plan.ts";
import { measuredOf, type Run } from "../results/results.ts";
import { prose } from "./markdown.ts";
import { formatCount, formatRatio } from "./format.ts";

/** `closed loop`, or `open loop, 5,000/s`. */
export function nameLoop({ ratePerSec }: LoadPlan): string {
  return ratePerSec === undefined ? "closed loop" : `open loop, ${formatRate(ratePerSec)}/s`;
}

/**
 * How much load for how long: `1,000 connections for 4 s`, or `5,000 requests/s for 4 s`, and the warm-up.
 */
export function describeAmount({ ratePerSec, connections, durationMs, warmUpMs }: LoadPlan): string {
  const amount = ratePerSec === undefined
    ? `${formatCount(connections)} connections`
    : `${formatRate(ratePerSec)} requests/s`;
  const warmUp = warmUpMs > 0
    ? `, after a ${warmUpMs / 1000} s warm-up (not counted; its TIME_WAITs remain)`
    : "";
  return `${amount} for ${durationMs / 1000} s${warmUp}.`;
}

/** The sentences that say how the requests come about, and when an answer is late. */
export function describeLoop(load: LoadPlan): string {
  const timeout = `${load.timeoutMs / 1000} s`;
  return load.ratePerSec === undefined
    ? "Each connection waits for its answer before it sends the next request (closed loop: latency leaves out the wait behind " +
      `a slow answer). An answer that takes more than ${timeout} counts as failed and as ${timeout} long.`
    : "Requests are evenly spaced, and each is sent whether or not earlier ones were answered, over at most " +
      `${formatCount(load.connections)} connections (${
        nameLoop(load)
      }: latency counts from when a request was due, so it ` +
      `holds the wait behind a slow answer). A request that is not answered ${timeout} after it was due counts as failed and ` +
      `as ${timeout} long.`;
}

/** The load in one cell: what a reader tells loads apart by, `20 connections, 4 s`. */
export function nameLoad(load: LoadPlan): string {
  const { ratePerSec, connections, durationMs, script, headers } = load;
  const { burst, method, requestBodyBytes, abandon } = load;
  return [
    ...(ratePerSec === undefined ? [] : [`${formatRate(ratePerSec)}/s`]),
    `${formatCount(connections)} connection${connections === 1 ? "" : "s"}`,
    `${durationMs / 1000} s`,
    ...(burst === undefined ? [] : [`bursts ${burst.onMs} ms/${burst.offMs} ms`]),
    ...(method === undefined ? [] : [method]),
    ...(requestBodyBytes === undefined ? [] : [`${formatCount(requestBodyBytes)} bytes`]),
    ...(abandon === undefined ? [] : [`${formatShare(abandon.share)} leave after ${abandon.afterMs} ms`]),
    ...(script === undefined ? [] : [prose(script.slice(script.lastIndexOf("/") + 1))]),
    ...(headers.length === 0 ? [] : [`${headers.length} header${headers.length === 1 ? "" : "s"}`]),
  ].join(", ");
}

/** The sentence below latencies that says what they leave out. */
export function qualifyLatency(load: LoadPlan): string {
  return load.ratePerSec === undefined
    ? "From a closed loop: each connection waits for its answer, so a stall delays requests that are then not counted as " +
      "slow (coordinated omission)."
    : `From an ${
      nameLoop(load)
    }: latency counts from when a request was due, so a stall makes every request slow that had ` +
      "to wait for it.";
}

/**
 * The sentences about pauses, the requests' method and body, and clients that leave; `""` where there is
 * nothing to say.
 */
export function describeRequests({ burst, method, requestBodyBytes, abandon, ratePerSec }: LoadPlan): string {
  return [
    ...(burst === undefined ? [] : [
      `The load has pauses: ${
        nameBurst(burst)
      }. The connections stay open over a pause. Requests/s are over the ` +
      `time with its pauses${ratePerSec === undefined ? "" : "; the rate asked for is without them"}.`,
    ]),
    ...(method === undefined && requestBodyBytes === undefined
      ? []
      : [`Each request is ${nameRequest({ method, requestBodyBytes })}.`]),
    ...(abandon === undefined ? [] : [
      `The clients of ${
        formatShare(abandon.share)
      } of the requests leave ${abandon.afterMs} ms after the request was ` +
      "sent, if it is not answered by then, and close the connection. Such a request counts as abandoned, not as failed.",
    ]),
  ].join(" ");
}

/** How many requests were abandoned in all, for each run in which clients were to leave. */
export function countAbandoned(runs: readonly Run[]): string[] {
  return runs.flatMap((run) => {
    const arrivals = measuredOf(run).flatMap((repetition) => repetition.arrivals ?? []);
    if (run.options.load.abandon === undefined || arrivals.length === 0) return [];
    const abandoned = arrivals.reduce((sum, one) => sum + (one.abandoned ?? 0), 0);
    const due = arrivals.reduce((sum, one) => sum + one.due, 0);
    return [`\`${run.name}\`: ${formatCount(abandoned)} of ${formatCount(due)} requests were abandoned.`];
  });
}

/**
 * The sentence that says how late the open loop itself was, in the repetition where it was latest; none where
 * no run had a rate.
 */
export function sayLateness(runs: readonly Run[]): string[] {
  const all = runs.flatMap(measuredOf).flatMap(({ arrivals }) => arrivals?.lateness ?? []);
  if (all.length === 0) return [];
  const { p50, p99 } = all.reduce((worst, one) => one.p99 > worst.p99 ? one : worst);
  return [
    "Latencies hold the open loop's own lateness: it took half of the requests up within " +
    `${formatRatio(p50 / 1000)} ms of when they were due, and 99% within ${formatRatio(p99 / 1000)} ms, ` +
    "in the repetition where it was latest.",
  ];
}

function nameBurst({ onMs, offMs }: BurstPlan): string {
  return `requests for ${onMs} ms, then none for ${offMs} ms`;
}

function nameRequest(
  { method = "GET", requestBodyBytes }: Readonly<Record<"method" | "requestBodyBytes", unknown>>,
): string {
  const body = typeof requestBodyBytes === "number"
    ? ` with a body of ${formatCount(requestBodyBytes)} bytes`
    : "";
  return `a ${method}${body}`;
}

function formatShare(share: number): string {
  return `${Number((100 * share).toPrecision(6))}%`;
}

function formatRate(ratePerSec: number): string {
  return ratePerSec.toLocaleString("en-US");
}

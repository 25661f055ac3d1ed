/**
 * Whether a gateway asks its backend once for each request: the requests that were answered, held against
 * those that the backend saw.
 *
 * @module
 */

import { type Measured, measuredOf, type Run } from "../results/results.ts";
import { estimateMedian } from "./intervals.ts";

/** A difference up to this share of the requests does not matter. */
const MARGIN = 0.01;

/** How the requests that the backend saw differ from those that were answered, as medians. */
export interface Forwarding {
  /**
   * - `by itself`: the gateway answered some with 2xx or 3xx and did not ask the backend, as a cache does.
   * - `more often`: it asked the backend more often than it was asked, by fan-out or by retries.
   */
  readonly kind: "by itself" | "more often";
  /**
   * Requests: those answered in time with 2xx or 3xx for `by itself`; for `more often` all that the load can
   * have sent, those without an answer among them.
   */
  readonly requests: number;
  /** Requests that the backend has answered. */
  readonly backendRequests: number;
  /** By how much the two differ, ÷ `requests`. */
  readonly share: number;
}

/**
 * How a run's backend was asked; `undefined` for a direct run, where it was asked once for each request, and
 * where the backend's count is not known exactly, as in a document of an older version.
 */
export function forwardingOf(run: Run): Forwarding | undefined {
  const measured = measuredOf(run).filter((repetition) => repetition.backendRequests !== undefined);
  if (run.options.gateway === null || measured.length === 0) return undefined;
  const median = (of: (repetition: Measured) => number) => estimateMedian(measured.map(of))!.estimate;
  const backendRequests = median(backendRequestsOf);
  // A request that was not answered in time may not have been answered at all, or even sent.
  const served = median(({ requests, errors: { status, timeout } }) =>
    Math.max(0, requests - status - timeout)
  );
  const sent = median(sentAtMost(run));
  const found = (kind: Forwarding["kind"], requests: number): Forwarding[] => {
    const share = Math.abs(backendRequests - requests) / Math.max(1, requests);
    return share > MARGIN ? [{ kind, requests, backendRequests, share }] : [];
  };
  const [first] = backendRequests < served
    ? found("by itself", served)
    : backendRequests > sent
    ? found("more often", sent)
    : [];
  return first;
}

/** Requests that a repetition's backend has answered, as far as it has said. */
export function backendRequestsOf({ backendRequests, samples, requests }: Measured): number {
  // A backend that is not ours counts nothing: each answer is taken to be its own.
  return backendRequests ?? samples.answered.requests.at(-1) ?? requests;
}

/** The most requests that a load can have sent: each connection has one on its way when the time is over. */
function sentAtMost({ options: { load } }: Run): (repetition: Measured) => number {
  return ({ requests, errors: { connect, read, write }, arrivals }) =>
    arrivals?.due ?? requests + connect + read + write + load.connections;
}

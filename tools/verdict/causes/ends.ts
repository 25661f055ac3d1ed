/**
 * Connections that ended, as the causes of ends see them: how many, what they had carried, and whether they
 * matter.
 *
 * @module
 */

import type { Distribution, EndedConnections } from "../../observe/witness.ts";
import { mergeDistributions, shareOf } from "../distributions.ts";
import type { Evidence, WitnessEvidence } from "../evidence.ts";
import { type CauseFigures, figures, SMALLEST_PART, WASTE_SHARE } from "./cause.ts";

/**
 * An idle connection that ends later than this was closed for being idle, in milliseconds. One that is too
 * many is closed in the moment of its answer, and no product keeps idle connections for less than a second.
 */
export const AT_ONCE_MS = 100;

/** So few connections in a repetition are no cause: they were handed from one thread to another, or raced. */
const FEW = 3;

/** From this share of connections on that served exactly one request, none is kept. */
export const ONCE_SHARE = 0.99;

/** Connections that ended in ways that the same causes explain. */
export interface Part {
  /** How many. */
  readonly connections: number;
  /** Requests that each had carried. */
  readonly requests: Distribution;
  /** How old each was, in milliseconds. */
  readonly ageMs: Distribution;
  /** How long each had been idle, in milliseconds; left out where none was idle. */
  readonly idleMs?: Distribution;
  /** Those whose end the backend had announced, with `Connection: close`. */
  readonly announced: number;
  /** Those that ended by a reset. */
  readonly reset: number;
}

/** What the causes of ends are found from. */
export interface Context {
  /** All that was seen of the run. */
  readonly evidence: Evidence;
  /** What the backend has seen. */
  readonly witness: WitnessEvidence;
  /** All connections that ended. */
  readonly ended: number;
  /** Those that the gateway ended before their answer was whole. */
  readonly cut: number;
  /** Those that the gateway ended at its deadline when their answer had just been sent. */
  readonly tooLate: number;
}

/** Ends of several kinds, together. */
export function joined(groups: readonly EndedConnections[]): Part {
  const of = (get: (group: EndedConnections) => Distribution | undefined) =>
    mergeDistributions(groups.flatMap((group) => {
      const distribution = get(group);
      return distribution === undefined ? [] : [{ connections: group.connections, distribution }];
    }));
  const sum = (get: (group: EndedConnections) => number) =>
    groups.reduce((total, group) => total + get(group), 0);
  return {
    connections: sum(({ connections }) => connections),
    requests: of(({ requests }) => requests),
    ageMs: of(({ ageMs }) => ageMs),
    ...(groups.some(({ idleMs }) => idleMs !== undefined) ? { idleMs: of(({ idleMs }) => idleMs) } : {}),
    announced: sum(({ announced }) => announced),
    reset: sum(({ how, connections }) => how === "rst" ? connections : 0),
  };
}

/** Whether so many connections that ended are worth a cause. */
export function matters(
  { witness, ended, evidence: { repetitions = 1 } }: Omit<Context, "cut" | "tooLate">,
  connections: number,
): boolean {
  return connections >= WASTE_SHARE * witness.requests && connections >= SMALLEST_PART * ended &&
    connections > FEW * repetitions;
}

/** What every cause of ends rests on. */
export function common({ witness, ended }: Context, connections: number): CauseFigures {
  return figures({
    requests: witness.requests,
    connectionsOpened: witness.accepted,
    connectionsEnded: connections,
    endedPerRequest: connections / witness.requests,
    shareOfEnded: connections / ended,
  });
}

/** What they had carried, and how they ended. */
export function ofPart({ connections, requests, reset }: Part): CauseFigures {
  return {
    onceShare: shareOf({ connections, distribution: requests }, 1),
    requestsP50: requests.p50,
    requestsMax: requests.max,
    resetShare: reset / connections,
  };
}

/** How long they had been idle. */
export function ofIdle({ idleMs }: Part): CauseFigures {
  return idleMs === undefined ? {} : { idleP5Ms: idleMs.p5, idleP50Ms: idleMs.p50, idleP95Ms: idleMs.p95 };
}

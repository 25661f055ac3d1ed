/**
 * Connections that end at one age, whatever they have carried: somebody may intend it.
 *
 * @module
 */

import { type Cause, figures } from "./cause.ts";
import { AT_ONCE_MS, common, type Context, type Part } from "./ends.ts";

/** So many times as many connections as are in use at one time end at their age, where an age is a limit. */
const GENERATIONS = 2;

/**
 * Whether connections end at one age, whatever they have carried. Those that all began with the load may end
 * together once; a limit does it again and again.
 */
export function isAge(
  { witness, evidence: { repetitions = 1, requests: { concurrency = Infinity } = {} } }: Context,
  { connections, ageMs, requests }: Part,
): boolean {
  const inUse = Math.min(witness.openPeak, concurrency);
  return connections >= GENERATIONS * inUse * repetitions && requests.p5 >= 2 &&
    requests.p5 < requests.p95 && ageMs.p5 >= AT_ONCE_MS &&
    ageMs.p5 >= 0.9 * ageMs.p50;
}

/** The cause of connections that end at one age. */
export function aged(context: Context, part: Part, connections: number): Cause {
  return {
    cause: "intended",
    sure: "likely",
    evidence: figures({ ...common(context, connections), ageP50Ms: part.ageMs.p50 }),
    toldApartFrom: [
      { cause: "pool-too-small", because: { ageP50Ms: part.ageMs.p50 } },
      { cause: "request-limit", because: { requestsP50: part.requests.p50, requestsMax: part.requests.max } },
    ],
    cannotTell: [{ cause: "pool-too-small", tells: "configuration" }],
  };
}

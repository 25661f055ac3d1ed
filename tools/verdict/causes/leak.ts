/**
 * A leak: connections that are opened and neither used again nor closed.
 *
 * @module
 */

import type { Evidence } from "../evidence.ts";
import { carriedPerSec, type Cause, figures, SMALLEST_PART, WASTE_SHARE } from "./cause.ts";

/**
 * So many times the concurrency may stand without being a leak: a client that was answered may be served on
 * another connection before the first one is back in its pool.
 */
const BEYOND = 1.25;

/** And so many more: of a few connections, chance makes a large share. */
const SPARE = 10;

/** Connections in the states in which nobody uses them any more. */
interface Standing {
  readonly opened: number;
  readonly requests: number;
  readonly atStart: number;
  readonly atEnd: number;
  /** Whether it still grows once warm. Left out where that was not seen. */
  readonly growsOn?: boolean;
}

/**
 * A leak of connections that stand, or of connections that the backend has closed and the gateway has not.
 */
export function causesOfStanding(evidence: Evidence): Cause[] {
  const { repetitions = 1, requests: { concurrency } = {}, upstream: { closeWait = 0 } = {} } = evidence;
  const standing = standingOf(evidence);
  if (standing === undefined || concurrency === undefined) return [];
  const most = BEYOND * concurrency + SPARE;
  const { opened, requests, atEnd, atStart, growsOn } = standing;
  const grown = Math.max(0, atEnd + closeWait - atStart) * repetitions;
  // A leak keeps all that it opens. What a busy gateway has not come round to closing is a small part of it.
  const kept = (atEnd + closeWait - concurrency) * repetitions >= SMALLEST_PART * opened;
  const leaks = atEnd + closeWait > most && grown >= WASTE_SHARE * requests && kept && growsOn !== false;
  if (!leaks || areUsedAgain(evidence, atEnd)) return [];
  const { witness } = evidence;
  return [{
    cause: "leak",
    sure: witness === undefined ? "likely" : "certain",
    side: "gateway",
    evidence: figures({
      requests,
      connectionsOpened: opened,
      openedPerRequest: opened / requests,
      openAtEnd: atEnd,
      concurrency,
      requestsP50: witness?.open.requests.p50,
      busyShare: witness && witness.open.busy / Math.max(1, witness.open.connections),
      closeWait: evidence.upstream?.closeWait,
    }),
    toldApartFrom: [
      { cause: "used-once", because: figures({ openAtEnd: atEnd, concurrency }) },
      { cause: "pool-too-small", because: figures({ openAtEnd: atEnd, concurrency }) },
    ],
    ...(witness === undefined ? { cannotTell: [{ cause: "none", tells: "longer load" }] } : {}),
  }];
}

/** From this number of requests in the median connection on, connections are used again. */
const USED_AGAIN = 3;

/** So many times the usual pause between two requests of a connection is too long to be one. */
const PAUSES = 5;

/**
 * Whether connections beyond the concurrency go on carrying requests: a pool for each worker keeps more of
 * them than there are requests at one time, and none of them is leaked.
 */
function areUsedAgain(evidence: Evidence, atEnd: number): boolean {
  const { witness } = evidence;
  const [perSec, idleP50Ms] = [carriedPerSec(evidence), witness?.open.idleMs?.p50];
  if (witness === undefined || perSec === undefined || idleP50Ms === undefined) return false;
  const pauseMs = 1000 * atEnd / perSec;
  return witness.open.requests.p50 >= USED_AGAIN && idleP50Ms < PAUSES * pauseMs;
}

function standingOf(evidence: Evidence): Standing | undefined {
  const { witness, upstream, requests, repetitions = 1 } = evidence;
  if (witness !== undefined) {
    return {
      opened: witness.accepted,
      requests: witness.requests,
      atStart: witness.stoodBefore / repetitions,
      atEnd: witness.open.connections / repetitions,
    };
  }
  const { opened, openAtStart, openAtEnd, openedPerSec } = upstream ?? {};
  const answered = upstream?.answered ?? requests?.answered;
  const perSec = carriedPerSec(evidence);
  if (opened === undefined || openAtStart === undefined || openAtEnd === undefined || !answered) {
    return undefined;
  }
  return {
    opened,
    requests: answered,
    atStart: openAtStart,
    atEnd: openAtEnd,
    ...(openedPerSec === undefined || perSec === undefined
      ? {}
      : { growsOn: openedPerSec > WASTE_SHARE * perSec }),
  };
}

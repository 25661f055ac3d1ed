/**
 * What the kernel's tables show of connections that are opened anew, where no backend is a witness: how many,
 * and which side holds their TIME_WAITs. Requests of a connection cannot be seen there, so more causes look
 * alike.
 *
 * @module
 */

import type { Evidence, UpstreamEvidence } from "../evidence.ts";
import {
  type CannotTell,
  carriedPerSec,
  type Cause,
  type CauseFigures,
  figures,
  WASTE_SHARE,
} from "./cause.ts";
import { endAtOneAge, type LeftOpen, leftOpen } from "./left_open.ts";

/** The causes that the kernel's tables leave open; empty where next to nothing is opened anew. */
export function causesOfTables(evidence: Evidence): Cause[] {
  const { upstream = {}, requests = {}, pool } = evidence;
  const { opened, openedPerSec, closed } = upstream;
  const answered = Math.max(1, requests.answered ?? upstream.answered ?? 0);
  if (opened === undefined || openedPerSec === undefined) return [];
  const failsFor = (evidence.failures?.["EADDRNOTAVAIL"] ?? 0) > 0;
  const goesOn = openedPerSec > WASTE_SHARE * (carriedPerSec(evidence) ?? 0);
  const areClosed = closed === undefined || closed >= opened / 10;
  if (!failsFor && !(goesOn && areClosed)) return [];
  const { timeWaitOnGateway, timeWaitOnBackend } = upstream;
  const shown = figures({
    requests: answered,
    connectionsOpened: opened,
    openedPerRequest: opened / answered,
    timeWaitOnGateway,
    timeWaitOnBackend,
    concurrency: requests.concurrency,
    keepsPerHost: pool?.keepsPerHost,
    keepsInAll: pool?.keepsInAll,
    keptIdle: upstream.keptIdle,
    failedRequests: requests.failed,
    timedOut: requests.timedOut,
    abandoned: requests.abandoned,
    ...(endAtOneAge(evidence) ? { ageP10Ms: upstream.endedAtMs![0], ageP90Ms: upstream.endedAtMs![1] } : {}),
  });
  return leftOpen(evidence, opened / answered).map((one) => toCause(one, shown, upstream));
}

function toCause(
  { cause, sure, side, cannotTell, connectionsEnded }: LeftOpen,
  evidence: CauseFigures,
  upstream: UpstreamEvidence,
): Cause {
  const { timeWaitOnGateway, timeWaitOnBackend, openAtEnd } = upstream;
  const sides = figures({ timeWaitOnGateway, timeWaitOnBackend });
  if (cause === "request-limit" && evidence.ageP10Ms !== undefined) return limitOf(evidence, cannotTell!);
  if (cause === "cut-short" && upstream.closedWhileOwed !== undefined) {
    return cutShortOf(evidence, upstream.closedWhileOwed, cannotTell!);
  }
  const { keptIdle, concurrency } = evidence;
  const isBackends = side === "backend" || cause === "close-asked";
  const keepsAll = cause === "request-limit" && !isBackends && keptIdle! >= concurrency!;
  return {
    cause,
    sure,
    ...(side === undefined ? {} : { side }),
    evidence: connectionsEnded === undefined ? evidence : { ...evidence, connectionsEnded },
    toldApartFrom: [
      ...(isBackends || sure !== "possible"
        ? [{ cause: isBackends ? "pool-too-small" : "close-asked", because: sides } as const]
        : []),
      ...(keepsAll
        ? [{ cause: "pool-too-small", because: figures({ keptIdle, concurrency }) } as const]
        : []),
      ...(openAtEnd === undefined ? [] : [{ cause: "leak", because: { openAtEnd } } as const]),
    ],
    ...(cannotTell === undefined ? {} : { cannotTell }),
  };
}

/** A limit of requests, by the age at which connections end: the number itself is not to be seen. */
function limitOf(evidence: CauseFigures, cannotTell: readonly CannotTell[]): Cause {
  const { timeWaitOnBackend = 0, ageP10Ms, ageP90Ms } = evidence;
  return {
    cause: "request-limit",
    sure: "likely",
    // A gateway that is at its own limit closes first, each time; and so may one to which the end is
    // announced.
    ...(timeWaitOnBackend > 0 ? { side: "backend" } : {}),
    evidence,
    toldApartFrom: [{ cause: "pool-too-small", because: figures({ ageP10Ms, ageP90Ms }) }],
    cannotTell,
  };
}

/** Connections that are closed while an answer is owed. */
function cutShortOf(
  evidence: CauseFigures,
  connectionsEnded: number,
  cannotTell: readonly CannotTell[],
): Cause {
  const because = { connectionsEnded };
  return {
    cause: "cut-short",
    sure: "likely",
    side: "gateway",
    evidence: { ...evidence, connectionsEnded },
    toldApartFrom: [{ cause: "pool-too-small", because }, { cause: "close-asked", because }],
    cannotTell,
  };
}

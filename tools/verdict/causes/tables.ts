/**
 * What the kernel's tables show of connections that are opened anew, where no backend is a witness: how many,
 * and which side holds their TIME_WAITs. Requests of a connection cannot be seen there, so more causes look
 * alike.
 *
 * @module
 */

import type { Evidence, PoolEvidence, UpstreamEvidence } from "../evidence.ts";
import {
  AT_ONE_AGE,
  type CannotTell,
  carriedPerSec,
  type Cause,
  type CauseFigures,
  figures,
  keepsOf,
  type Sure,
  WASTE_SHARE,
} from "./cause.ts";

/** From this share on each request opens a connection, but for what failed or is under way. */
const EACH = 0.98;

/**
 * A side holds TIME_WAITs of its own from this share of those of both sides on. Only where requests ask for
 * the end of their connection can both sides be first.
 */
const BOTH_SIDES = 0.05;

/** From this share of the connections on that end in one way, it is what ends them. */
const MOSTLY = 0.5;

/** From this number of requests in a connection on, its end at one age is a limit's. */
const SEVERAL = 2;

/**
 * At this number of requests in a connection, or more, a limit of requests looks like a pool that is too
 * small. Below it something speaks against a limit: the lowest that products come with is 100.
 */
const AS_A_LIMIT = 30;

/**
 * A gateway that keeps this share of what a limit of requests would leave it keeps too many for a pool that
 * is too small: of as many connections as there are clients, those that have just come to the limit are
 * missing.
 */
const KEPT_UNDER_LIMIT = 0.7;

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
    ...(endAtOneAge(evidence) ? { ageP10Ms: upstream.endedAtMs![0], ageP90Ms: upstream.endedAtMs![1] } : {}),
  });
  return namesOf(evidence, opened / answered).map((named) => toCause(named, shown, upstream));
}

type Named = readonly [
  cause: Cause["cause"],
  sure: Sure,
  tells?: readonly CannotTell[] | undefined,
  side?: NonNullable<Cause["side"]>,
];

function toCause(
  [cause, sure, cannotTell, side]: Named,
  evidence: CauseFigures,
  upstream: UpstreamEvidence,
): Cause {
  const { timeWaitOnGateway, timeWaitOnBackend, openAtEnd } = upstream;
  const sides = figures({ timeWaitOnGateway, timeWaitOnBackend });
  if (cause === "request-limit" && sure === "likely") return limitOf(evidence, cannotTell!);
  if (cause === "cut-short" && upstream.closedWhileOwed !== undefined) {
    return cutShortOf(evidence, upstream.closedWhileOwed, cannotTell!);
  }
  const isAsked = cause === "close-asked" || cause === "backend-closes";
  return {
    cause,
    sure,
    ...(side === undefined ? {} : { side }),
    evidence,
    toldApartFrom: [
      ...(isAsked || sure !== "possible"
        ? [{ cause: isAsked ? "pool-too-small" : "close-asked", because: sides } as const]
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
    // A gateway that is at its own limit closes first, each time.
    side: timeWaitOnBackend > 0 ? "backend" : "gateway",
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

/** Whether connections that carry several requests end at about the same age, and not by chance. */
function endAtOneAge({ upstream = {}, requests = {} }: Evidence): boolean {
  const { opened = 0, endedAtMs: [oneInTen, nineInTen] = [0, 0] } = upstream;
  const answered = requests.answered ?? upstream.answered ?? 0;
  return oneInTen > 0 && oneInTen >= AT_ONE_AGE * nineInTen && answered >= SEVERAL * opened;
}

const byWitness = (...causes: Cause["cause"][]): CannotTell[] =>
  causes.map((cause) => ({ cause, tells: "witness" }));

/** The causes that the sides of the TIME_WAITs, the number of connections and the known pool leave open. */
function namesOf(evidence: Evidence, perRequest: number): Named[] {
  const { upstream = {}, pool } = evidence;
  const {
    timeWaitOnGateway: ours = 0,
    timeWaitOnBackend,
    backendClosesOnlyIfAsked,
    destinations = 1,
    opened = 0,
    closedWhileOwed = 0,
  } = upstream;
  const theirs = timeWaitOnBackend ?? 0;
  if (pool?.asksToClose === true) return [["close-asked", "certain"]];
  if (opened > 0 && closedWhileOwed >= MOSTLY * opened) {
    return [["cut-short", "likely", byWitness("used-once")]];
  }
  if (endAtOneAge(evidence)) {
    // Under bursts that come evenly, an idle time ends all connections at one age as well.
    const idle = theirs > 0 ? "backend-idle-timeout" : "gateway-idle-timeout";
    return [["request-limit", "likely", [
      { cause: "intended", tells: "configuration" },
      ...byWitness(idle),
    ]]];
  }
  if (theirs >= BOTH_SIDES * (ours + theirs) && theirs > 0) {
    // The side is a race where the request asks for the end: a backend that ends none unasked was asked.
    if (backendClosesOnlyIfAsked === true) return [["close-asked", "likely"]];
    // A gateway of ours never asks for it.
    if (pool !== undefined || perRequest <= 1 / SEVERAL) return ofBackend(evidence, perRequest);
    return [["close-asked", "possible", byWitness("backend-closes")], [
      "backend-closes",
      "possible",
      byWitness("close-asked"),
    ]];
  }
  const keeps = keepsOf(pool, destinations);
  if (keeps !== undefined) return ofOurs(evidence, pool!, { keeps, perRequest });
  if (perRequest >= EACH) {
    return [
      ["used-once", "likely", byWitness("pool-too-small", "close-asked"), "gateway"],
      ...(timeWaitOnBackend === undefined
        ? [["close-asked", "possible", byWitness("used-once")] as const]
        : []),
    ];
  }
  if (looksLikeLimit(evidence, perRequest)) {
    return [
      ["pool-too-small", "possible", byWitness("request-limit"), "gateway"],
      ["request-limit", "possible", byWitness("pool-too-small")],
    ];
  }
  return [
    [
      "pool-too-small",
      "likely",
      byWitness(
        ...upstream.endedAtMs === undefined && upstream.keptIdle === undefined
          ? ["request-limit"] as const
          : [],
        "used-once",
      ),
      "gateway",
    ],
    ...(destinations > 1
      ? [["many-pools", "possible", [{ cause: "pool-too-small", tells: "one backend" }]] as const]
      : []),
  ];
}

/** Whether a limit of requests would look the same, as far as the tables go. */
function looksLikeLimit({ upstream = {}, requests = {} }: Evidence, perRequest: number): boolean {
  const { endedAtMs, keptIdle } = upstream;
  if (endedAtMs !== undefined) return false;
  if (keptIdle === undefined || requests.concurrency === undefined) return perRequest <= 1 / AS_A_LIMIT;
  return keptIdle >= KEPT_UNDER_LIMIT * requests.concurrency * (1 - perRequest);
}

/** What is left for a gateway of ours, whose pool is known. */
function ofOurs(
  evidence: Evidence,
  { closedPerHost = 0, closedInAll = 0, closedByBackend = 0, workers }: PoolEvidence,
  { keeps, perRequest }: { keeps: number; perRequest: number },
): Named[] {
  const { upstream: { opened = 0, destinations = 1 } = {}, requests = {} } = evidence;
  if (opened > 0 && closedByBackend >= MOSTLY * opened) return ofBackend(evidence, perRequest);
  if (keeps < (requests.concurrency ?? Infinity)) {
    if (destinations > 1 && closedInAll > closedPerHost) return [["many-pools", "certain"]];
    const sure = closedPerHost + closedInAll > 0 ? "certain" : "likely";
    return [["pool-too-small", sure, undefined, "gateway"]];
  }
  // It has kept what it had, so that neither a pool nor a pause ends them.
  if (looksLikeLimit(evidence, perRequest)) {
    return [["request-limit", "possible", byWitness("backend-closes", "cut-short"), "backend"]];
  }
  if (workers > 1 || destinations > 1) return [["many-pools", "possible", byWitness("gateway-idle-timeout")]];
  return [
    ["cut-short", "possible", byWitness("gateway-idle-timeout")],
    ["gateway-idle-timeout", "possible", byWitness("cut-short")],
  ];
}

/** The backend ends them: after a pause, or after a number of requests, or whenever it likes. */
function ofBackend({ requests = {}, pool }: Evidence, perRequest: number): Named[] {
  const other = requests.pauses === true
    ? "backend-idle-timeout"
    : perRequest <= 1 / SEVERAL
    ? "request-limit"
    : undefined;
  if (other === undefined) return [["backend-closes", "likely"]];
  // Of a gateway that is not ours some requests may ask for it.
  const asked = pool === undefined ? ["close-asked"] as const : [];
  return [
    [other, "possible", byWitness("backend-closes", ...asked), "backend"],
    ["backend-closes", "possible", byWitness(other, ...asked), "backend"],
  ];
}

/**
 * Which causes the kernel's tables leave open: who closed first, how many requests a connection carried, how
 * many connections the gateway keeps. Causes that look the same there are all named.
 *
 * @module
 */

import type { Evidence, PoolEvidence } from "../evidence.ts";
import { AT_ONE_AGE, type CannotTell, type Cause, keepsOf, type Sure } from "./cause.ts";

/** From this share on each request opens a connection, but for what failed or is under way. */
const EACH = 0.98;

/**
 * A side holds TIME_WAITs of its own from this share of those of both sides on. Only where requests ask for
 * the end of their connection, or the backend announces it, can both sides be first.
 */
const BOTH_SIDES = 0.05;

/** From this share of the connections on that end in one way, it is what ends them. */
const MOSTLY = 0.5;

/** From this number of requests in a connection on, a limit of requests may end it. */
const SEVERAL = 2;

/** A lower limit of requests nobody sets: the lowest that products come with is 100. */
const AS_A_LIMIT = 5;

/**
 * A gateway that keeps this share of what a limit of requests would leave it may be under such a limit: of as
 * many connections as were in use, those that have just come to the limit are missing, and clients in step
 * come to it together. With fewer its pool is too small.
 */
const KEPT_UNDER_LIMIT = 0.4;

/**
 * Connections that live for less than this on average, in milliseconds, are ended neither for their age nor
 * for being idle: no product does so before a second.
 */
const LEAST_LIFE_MS = 500;

/** A cause that is left open. */
export interface LeftOpen {
  /** Its name. */
  readonly cause: Cause["cause"];
  /** How sure it is: `possible` where another one looks the same. */
  readonly sure: Sure;
  /** Whose doing it is. Left out where that was not seen. */
  readonly side?: NonNullable<Cause["side"]>;
  /** The others that look the same. Left out where there is none. */
  readonly cannotTell?: readonly CannotTell[];
  /** Connections that the gateway's own pool has ended for it. Left out where nobody has counted them. */
  readonly connectionsEnded?: number;
}

type Alike = Pick<LeftOpen, "cause" | "side">;

const byWitness = (...causes: Cause["cause"][]): CannotTell[] =>
  causes.map((cause) => ({ cause, tells: "witness" }));

/** One cause is likely; of several each is possible, and a witness would tell it from the others. */
function eachPossible(...some: readonly (Alike | false)[]): LeftOpen[] {
  const alike = some.filter((one) => one !== false);
  if (alike.length === 1) return [{ ...alike[0]!, sure: "likely" }];
  return alike.map((one) => ({
    ...one,
    sure: "possible",
    cannotTell: byWitness(...alike.map(({ cause }) => cause).filter((cause) => cause !== one.cause)),
  }));
}

/**
 * The causes that the sides of the TIME_WAITs, the number of connections and the known pool leave open.
 *
 * @param perRequest connections opened for each request.
 */
export function leftOpen(evidence: Evidence, perRequest: number): LeftOpen[] {
  const { upstream = {}, pool } = evidence;
  const { timeWaitOnGateway: ours = 0, opened = 0, closedWhileOwed = 0, destinations = 1 } = upstream;
  const theirs = upstream.timeWaitOnBackend ?? 0;
  if (pool?.asksToClose === true) return [{ cause: "close-asked", sure: "certain" }];
  if (opened > 0 && closedWhileOwed >= MOSTLY * opened) {
    return [{ cause: "cut-short", sure: "likely", side: "gateway", cannotTell: byWitness("used-once") }];
  }
  if (endAtOneAge(evidence)) {
    // Under bursts that come evenly, an idle time ends all connections at one age as well.
    const idle = theirs > 0 ? "backend-idle-timeout" : "gateway-idle-timeout";
    return [{
      cause: "request-limit",
      sure: "likely",
      cannotTell: [{ cause: "intended", tells: "configuration" }, ...byWitness(idle)],
    }];
  }
  if (theirs > 0 && theirs >= BOTH_SIDES * (ours + theirs)) {
    // The side is a race where the request asks for the end: a backend that ends none unasked was asked.
    return upstream.backendClosesOnlyIfAsked === true
      ? [{ cause: "close-asked", sure: "likely" }]
      : ofBackend(evidence, perRequest);
  }
  const keeps = keepsOf(pool, destinations);
  return keeps === undefined
    ? ofGateway(evidence, perRequest)
    : ofOurs(evidence, pool!, { keeps, perRequest });
}

/** Whether connections that carry several requests end at about the same age, and not by chance. */
export function endAtOneAge({ upstream = {}, requests = {} }: Evidence): boolean {
  const { opened = 0, endedAtMs: [oneInTen, nineInTen] = [0, 0] } = upstream;
  const answered = requests.answered ?? upstream.answered ?? 0;
  return oneInTen > 0 && oneInTen >= AT_ONE_AGE * nineInTen && answered >= SEVERAL * opened;
}

/** The backend closes first, at least now and then: it was asked to, or it ends them by itself. */
function ofBackend(evidence: Evidence, perRequest: number): LeftOpen[] {
  const { requests: { closedLoop } = {}, pool } = evidence;
  const manyEach = perRequest <= 1 / SEVERAL;
  // A gateway of ours never asks. The requests of a bench are mostly alike, those of a live machine are not.
  const mayAsk = pool === undefined;
  const allAlike = manyEach && closedLoop === true;
  const found = eachPossible(
    mayAsk && !allAlike && { cause: "close-asked" },
    manyEach && { cause: "request-limit", side: "backend" },
    { cause: "backend-closes", side: "backend" },
    mayRest(evidence) && { cause: "backend-idle-timeout", side: "backend" },
    manyEach && livesFor(evidence, LEAST_LIFE_MS) && { cause: "intended" },
  );
  if (!mayAsk || !allAlike) return found;
  return found.map((one) => ({ ...one, cannotTell: [...one.cannotTell ?? [], ...byWitness("close-asked")] }));
}

/** The gateway closes first, or one side resets: nobody knows the gateway's pool. */
function ofGateway(evidence: Evidence, perRequest: number): LeftOpen[] {
  const { upstream: { keptIdle, destinations = 1, timeWaitOnBackend, backendClosesOnlyIfAsked } = {} } =
    evidence;
  const onlyIfAsked = backendClosesOnlyIfAsked === true;
  const each = perRequest >= EACH;
  const noTrace = leftNoTrace(evidence);
  const cut = cutShort(evidence);
  // Closed between requests they would have left TIME_WAITs.
  if (noTrace && cut !== undefined) {
    return [{ ...cut, sure: "likely", cannotTell: byWitness("pool-too-small") }];
  }
  const limit = looksLikeLimit(evidence, perRequest);
  // What is kept stands idle after a warm-up.
  const keepsNone = each && keptIdle === 0;
  // A pool with room for all clients is not too small, where something else explains the ends.
  const keepsAll = (limit || cut !== undefined) && keptIdle! >= (evidence.requests?.concurrency ?? Infinity);
  const found = eachPossible(
    each && !(keptIdle! > 0) && { cause: "used-once", side: "gateway" },
    !keepsNone && !keepsAll && { cause: "pool-too-small", side: "gateway" },
    limit && (onlyIfAsked ? { cause: "request-limit", side: "gateway" } : { cause: "request-limit" }),
    noTrace && !onlyIfAsked && (each || limit) && { cause: "backend-closes", side: "backend" },
    mayRest(evidence) && { cause: "gateway-idle-timeout", side: "gateway" },
    cut ?? false,
    limit && livesFor(evidence, LEAST_LIFE_MS) && { cause: "intended" },
  );
  return [
    ...found.map((one) => withUnlikely(one, evidence)),
    ...(each && timeWaitOnBackend === undefined
      ? [{ cause: "close-asked", sure: "possible", cannotTell: byWitness("used-once") } as const]
      : []),
    ...(destinations > 1 && !keepsNone && !keepsAll
      ? [
        {
          cause: "many-pools",
          sure: "possible",
          cannotTell: [{ cause: "pool-too-small", tells: "one backend" }],
        } as const,
      ]
      : []),
  ];
}

/** A likely cause, with those that would have to be odd to look the same. */
function withUnlikely(one: LeftOpen, { upstream: { endedAtMs, keptIdle } = {} }: Evidence): LeftOpen {
  if (one.sure !== "likely") return one;
  // A pool that keeps nothing at all is no pool, and a backend that is asked to close mostly comes first.
  if (one.cause === "used-once") return { ...one, cannotTell: byWitness("pool-too-small", "close-asked") };
  if (one.cause !== "pool-too-small") return one;
  const unseen = endedAtMs === undefined && keptIdle === undefined;
  return { ...one, cannotTell: byWitness(...unseen ? ["request-limit"] as const : [], "used-once") };
}

/** What is left for a gateway of ours, whose pool is known. */
function ofOurs(
  evidence: Evidence,
  pool: PoolEvidence,
  { keeps, perRequest }: { keeps: number; perRequest: number },
): LeftOpen[] {
  const { upstream: { opened = 0, destinations = 1 } = {}, requests = {} } = evidence;
  const { closedPerHost, closedInAll = 0, closedByBackend = 0, idleTimeoutMs, workers } = pool;
  if (opened > 0 && closedByBackend >= MOSTLY * opened) return ofBackend(evidence, perRequest);
  const counted = countedEnds(pool).find(([ended]) => opened > 0 && ended >= MOSTLY * opened);
  if (counted !== undefined) return [{ ...counted[1], sure: "certain", connectionsEnded: counted[0] }];
  if (keeps < (requests.concurrency ?? Infinity)) {
    const full = (closedPerHost ?? 0) + closedInAll;
    if (destinations > 1 && closedInAll > (closedPerHost ?? 0)) {
      return [{ cause: "many-pools", sure: "certain" }];
    }
    if (full > 0) return [{ cause: "pool-too-small", sure: "certain", side: "gateway" }];
    const uncounted = closedPerHost === undefined;
    return eachPossible(
      { cause: "pool-too-small", side: "gateway" },
      uncounted && mayRest(evidence, idleTimeoutMs) && { cause: "gateway-idle-timeout", side: "gateway" },
    );
  }
  // It has kept what it had, so that neither a pool nor a pause ends them.
  if (looksLikeLimit(evidence, perRequest)) {
    return eachPossible(
      { cause: "request-limit", side: "backend" },
      { cause: "backend-closes", side: "backend" },
      cutShort(evidence) ?? false,
    );
  }
  if (workers > 1 || destinations > 1) {
    return [{ cause: "many-pools", sure: "possible", cannotTell: byWitness("gateway-idle-timeout") }];
  }
  return eachPossible(
    { cause: "cut-short", side: "gateway" },
    { cause: "gateway-idle-timeout", side: "gateway" },
  );
}

/** Ends that a pool of ours has counted, each with its cause. */
function countedEnds({ closedIdle = 0, closedLate = 0, closedForClient = 0 }: PoolEvidence) {
  return [
    [closedIdle, { cause: "gateway-idle-timeout", side: "gateway" }],
    [closedLate, { cause: "cut-short", side: "gateway" }],
    [closedForClient, { cause: "cut-short", side: "client" }],
  ] as const;
}

/** Whether a limit of requests would look the same, as far as the tables go. */
function looksLikeLimit({ upstream = {}, requests = {} }: Evidence, perRequest: number): boolean {
  const { endedAtMs, keptIdle, openPeak = Infinity, opened = 0, closed = opened } = upstream;
  // Those that stand have not come to a limit yet.
  const endedPerRequest = opened === 0 ? 0 : perRequest * Math.min(1, closed / opened);
  if (endedAtMs !== undefined || endedPerRequest > 1 / AS_A_LIMIT) return false;
  const inUse = Math.min(openPeak, requests.concurrency ?? Infinity);
  return keptIdle === undefined || inUse === Infinity ||
    keptIdle >= KEPT_UNDER_LIMIT * inUse * (1 - endedPerRequest);
}

/**
 * Whether a timeout, of so many milliseconds where that is known, may have ended idle connections. Clients
 * that ask again at once leave none idle.
 */
function mayRest(evidence: Evidence, timeoutMs = LEAST_LIFE_MS): boolean {
  const { closedLoop, pauses } = evidence.requests ?? {};
  return (closedLoop !== true || pauses === true) && livesFor(evidence, timeoutMs);
}

/** Whether connections may live for so many milliseconds: by Little's law, on average and at most. */
function livesFor({ upstream: { openPeak = Infinity, openedPerSec = 0 } = {} }: Evidence, ms: number) {
  return 1000 * openPeak >= ms * openedPerSec;
}

/**
 * Answers that were given up: half as many requests failed, or were left by their clients, as connections
 * were opened.
 */
function cutShort({ upstream: { opened = 0 } = {}, requests = {}, failures = {} }: Evidence) {
  const { failed = 0, abandoned = 0 } = requests;
  // What its log blames for failures is no deadline, unless it says so.
  const blamed = Object.entries(failures).reduce(
    (sum, [code, count]) => code === "ETIMEDOUT" ? sum : sum + count,
    0,
  );
  const side = abandoned >= MOSTLY * opened ? "client" : failed - blamed >= MOSTLY * opened ? "gateway" : "";
  return opened === 0 || side === "" ? undefined : { cause: "cut-short", side } as const;
}

/** Whether connections end and leave no TIME_WAIT on either side: somebody resets them. */
function leftNoTrace({ upstream = {}, repetitions = 1 }: Evidence): boolean {
  const { timeWaitOnGateway, timeWaitOnBackend, closed, opened = 0 } = upstream;
  if (timeWaitOnGateway === undefined || timeWaitOnBackend === undefined) return false;
  const ended = Math.min(opened, closed ?? opened) / repetitions;
  return timeWaitOnGateway + timeWaitOnBackend < BOTH_SIDES * ended;
}

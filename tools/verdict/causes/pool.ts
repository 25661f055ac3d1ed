/**
 * `pool-too-small`, `many-pools` and `used-once`: the gateway ends connections at once after an answer,
 * because no pool has room for them.
 *
 * @module
 */

import { shareFrom, shareOf } from "../distributions.ts";
import { type Cause, type CauseFigures, figures, keepsOf, SMALLEST_PART } from "./cause.ts";
import { aged, isAge } from "./connection_age.ts";
import { AT_ONCE_MS, common, type Context, matters, ofIdle, ofPart, ONCE_SHARE, type Part } from "./ends.ts";
import { limitOf, requestLimit } from "./request_limit.ts";

/**
 * Where fewer requests than this share were carried by a connection that had carried one before, none is
 * kept: the smallest pool carries more.
 */
const ALL_NEW = 0.002;

/** Connections for the first request of each client are at most so many times as many as the clients'. */
const FIRSTS = 1.1;

/** From so many times the requests of the connections opened on, those that came first are few. */
const MANY_MORE = 10;

/** Connections that the gateway ended at once after an answer. */
export function gatewayEnds(context: Context, part: Part, atOnce: number): Cause[] {
  if (areFirsts(context, part)) return [];
  const limit = limitOf(part);
  const limited = limit === undefined ? 0 : part.connections * limit.share;
  const found = limit !== undefined && matters(context, limited)
    ? [requestLimit(context, part, { side: "gateway", ...limit })]
    : [];
  const rest = atOnce - limited;
  if (found.length > 0 && (!matters(context, rest) || rest < SMALLEST_PART * part.connections)) return found;
  return [...found, ...(isAge(context, part) ? [aged(context, part, rest)] : ofPool(context, part, rest))];
}

/**
 * Whether no more connections were opened than a first one for each client. HAProxy opens one for the first
 * request of each client (`http-reuse safe`, its default), and closes it where a cap or those that stand
 * already leave no room for it: most have served that request and no other. With `http-reuse never` it ends
 * with its client: those of a warm-up that is over end long after their last answer.
 */
function areFirsts(
  { witness, evidence: { clients, requests, repetitions = 1 } }: Context,
  part: Part,
): boolean {
  const { opened = 0 } = clients ?? {};
  const { concurrency = 0 } = requests ?? {};
  const capped = witness.openPeak < concurrency / 2 && witness.accepted <= FIRSTS * opened;
  const few = witness.accepted <= FIRSTS * Math.min(opened, concurrency * repetitions) &&
    witness.requests >= MANY_MORE * witness.accepted;
  const once = shareOf({ connections: part.connections, distribution: part.requests }, 1) > 0.5;
  const late = part.idleMs !== undefined && shareFrom(part.idleMs, AT_ONCE_MS) > 0.5;
  return (capped && once) || (few && (once || late));
}

/** Which pool closes the connections that it ends at once: none, one that is too small, or one of several. */
function ofPool(context: Context, part: Part, connections: number): Cause[] {
  const { evidence: { pool, upstream, requests }, witness } = context;
  const shape = ofPart(part);
  const once = shape.onceShare! >= ONCE_SHARE;
  const destinations = Math.max(witness.backends, upstream?.destinations ?? 1);
  const keeps = keepsOf(pool, destinations);
  const evidence = figures({
    ...common(context, connections),
    ...shape,
    ...ofIdle(part),
    concurrency: requests?.concurrency,
    openPeak: witness.openPeak,
    keepsPerHost: pool?.keepsPerHost,
    keepsInAll: pool?.keepsInAll,
  });
  const notAsked = {
    cause: "close-asked",
    because: { askedShare: witness.askedToClose / witness.requests },
  } as const;
  const notIdle = { cause: "gateway-idle-timeout", because: ofIdle(part) } as const;
  const reusedShare = 1 - (witness.accepted + witness.stoodBefore) / witness.requests;
  if (once && keeps === undefined && reusedShare < ALL_NEW) {
    return [{
      cause: "used-once",
      sure: "likely",
      evidence,
      toldApartFrom: [notAsked, { cause: "request-limit", because: { requestsMax: part.requests.max } }],
      // A pool that keeps nothing at all is no pool.
      cannotTell: [{ cause: "pool-too-small", tells: "configuration" }],
    }];
  }
  if (once && keeps === undefined) return eitherOfTwo(evidence, notAsked);
  const fits = keeps !== undefined && keeps >= (requests?.concurrency ?? Infinity);
  const divided = (pool?.workers ?? 1) > 1 || destinations > 1;
  const inAll = (pool?.closedInAll ?? 0) > (pool?.closedPerHost ?? 0) && destinations > 1;
  const tooSmall: Cause = {
    cause: "pool-too-small",
    sure: shape.onceShare! < 0.9 || keeps !== undefined
      ? destinations > 1 && keeps === undefined ? "likely" : "certain"
      : "likely",
    side: "gateway",
    evidence,
    toldApartFrom: [{ cause: "used-once", because: { onceShare: shape.onceShare! } }, notAsked, notIdle],
    ...(divided && keeps === undefined
      ? { cannotTell: [{ cause: "many-pools", tells: destinations > 1 ? "one backend" : "one worker" }] }
      : {}),
  };
  const many: Cause = {
    cause: "many-pools",
    sure: inAll || fits ? "certain" : "possible",
    evidence: figures({ ...evidence, destinations, workers: pool?.workers }),
    toldApartFrom: [{ cause: "used-once", because: { onceShare: shape.onceShare! } }, notAsked],
    ...(inAll || fits ? {} : { cannotTell: [{ cause: "pool-too-small", tells: "one backend" }] }),
  };
  if (fits && !divided) return [{ ...tooSmall, sure: "possible" }];
  if (fits || inAll) return [many];
  return destinations > 1 ? [tooSmall, many] : [tooSmall];
}

/**
 * Nearly all connections that end have served one request, and others are kept: the pool is far too small, or
 * some requests pass it by.
 */
function eitherOfTwo(evidence: CauseFigures, notAsked: Cause["toldApartFrom"][number]): Cause[] {
  const named = (cause: "pool-too-small" | "used-once", other: Cause["cause"]): Cause => ({
    cause,
    sure: "possible",
    side: "gateway",
    evidence,
    toldApartFrom: [notAsked],
    cannotTell: [{ cause: other, tells: "larger pool" }],
  });
  return [named("pool-too-small", "used-once"), named("used-once", "pool-too-small")];
}

/**
 * Causes that the witness shows: how each connection ended, and what it had carried until then.
 *
 * @module
 */

import type { Distribution, EndedConnections } from "../../observe/witness.ts";
import { mergeDistributions, shareFrom, shareOf } from "../distributions.ts";
import type { Evidence, WitnessEvidence } from "../evidence.ts";
import { type Cause, type CauseFigures, figures, keepsOf, SMALLEST_PART, WASTE_SHARE } from "./cause.ts";

/**
 * An idle connection that ends later than this was closed for being idle, in milliseconds. One that is too
 * many is closed in the moment of its answer, and no product keeps idle connections for less than a second.
 */
const AT_ONCE_MS = 100;

/**
 * An idle time is one and the same where 5% of the connections have at least this share of what 95% have.
 * Some products look every T at what was idle for T, so that it ends after T to 2 T. A gateway without CPU to
 * spare closes what is too many a while late, and each connection after another time.
 */
const SAME_TIME = 0.4;

/** So few connections in a repetition are no cause: they were handed from one thread to another, or raced. */
const FEW = 3;

/** From this share of connections on that served exactly one request, none is kept. */
const ONCE_SHARE = 0.99;

/**
 * Where fewer requests than this share were carried by a connection that had carried one before, none is
 * kept: the smallest pool carries more.
 */
const ALL_NEW = 0.002;

/**
 * The share of connections that end at the highest number of requests that any has served, from which on that
 * number is a limit. Without a limit the highest number is that of a few.
 */
const LIMIT_SHARE = 0.05;

/**
 * At a limit so many times as many end as one request before it, because those that come so far come to the
 * limit. Numbers that vary for another reason have no such step.
 */
const LIMIT_STEP = 2;

/** So many times as many connections as are in use at one time end at their age, where an age is a limit. */
const GENERATIONS = 2;

/** Connections for the first request of each client are at most so many times as many as the clients'. */
const FIRSTS = 1.1;

/** From so many times the requests of the connections opened on, those that came first are few. */
const MANY_MORE = 10;

/** Connections that ended in ways that the same causes explain. */
interface Part {
  readonly connections: number;
  readonly requests: Distribution;
  readonly ageMs: Distribution;
  readonly idleMs?: Distribution;
  readonly announced: number;
  readonly reset: number;
}

/** The causes that the ends of connections show; empty where none of them matters, or no backend is ours. */
export function causesOfEnds(evidence: Evidence): Cause[] {
  const { witness } = evidence;
  if (witness === undefined || witness.requests === 0) return [];
  const ended = witness.ended.reduce((sum, { connections }) => sum + connections, 0);
  const unasked = witness.ended.flatMap(withoutAsked);
  const idle = (by: EndedConnections["by"]) =>
    unasked.filter((group) => group.by === by && group.at === "idle");
  const within = (by: EndedConnections["by"]) =>
    unasked.filter((group) => group.by === by && group.at !== "idle");
  const seen: Omit<Context, "tooLate"> = { evidence, witness, ended };
  const context: Context = { ...seen, tooLate: tooLateOf(seen, joined(within("peer")).connections) };
  return [
    ...closeAsked(context),
    ...idleEnds(context, "gateway", joined(idle("peer"))),
    ...cutShort(context, within("peer")),
    ...idleEnds(context, "backend", joined(idle("backend"))),
    ...backendCuts(context, joined(within("backend"))),
  ];
}

interface Context {
  readonly evidence: Evidence;
  readonly witness: WitnessEvidence;
  /** All connections that ended. */
  readonly ended: number;
  /** Those that the gateway ended at its deadline when their answer had just been sent. */
  readonly tooLate: number;
}

/** Failures may be this many times as many as the connections that ended with them: some are counted late. */
const EACH_FAILED = 1.2;

/**
 * A deadline that passes while answers are on their way ends some connections that the backend takes for
 * idle. Each of them is a request that failed, as is each that was cut short. 0 where requests fail for
 * another reason.
 */
function tooLateOf(context: Omit<Context, "tooLate">, cut: number): number {
  const { evidence: { requests: { failed = 0 } = {} }, ended } = context;
  if (!matters(context, cut) || failed > EACH_FAILED * ended || failed < cut / 2) return 0;
  return Math.max(0, failed - cut);
}

/** A group without the connections that were asked to end. The rest is taken to be spread like the whole. */
function withoutAsked(group: EndedConnections): EndedConnections[] {
  const connections = group.connections - group.askedToClose;
  return connections <= 0 ? [] : [{
    ...group,
    connections,
    announced: Math.min(connections, group.announced),
    requests: scaled(group.requests, connections / group.connections),
  }];
}

function scaled(distribution: Distribution, by: number): Distribution {
  return by === 1 ? distribution : {
    ...distribution,
    most: distribution.most.map(({ value, connections }) => ({ value, connections: connections * by })),
  };
}

function joined(groups: readonly EndedConnections[]): Part {
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
function matters(
  { witness, ended, evidence: { repetitions = 1 } }: Omit<Context, "tooLate">,
  connections: number,
): boolean {
  return connections >= WASTE_SHARE * witness.requests && connections >= SMALLEST_PART * ended &&
    connections > FEW * repetitions;
}

/** Whether the connections that a pause has cost were opened again: half as many as stand at one time. */
function mattersIdle(
  { witness, ended, evidence: { repetitions = 1 } }: Context,
  connections: number,
): boolean {
  return connections >= SMALLEST_PART * ended &&
    Math.min(connections, witness.reopened) >= witness.openPeak * repetitions / 2;
}

/** What every cause of ends rests on. */
function common({ witness, ended }: Context, connections: number): CauseFigures {
  return figures({
    requests: witness.requests,
    connectionsOpened: witness.accepted,
    connectionsEnded: connections,
    endedPerRequest: connections / witness.requests,
    shareOfEnded: connections / ended,
  });
}

function ofPart({ connections, requests, reset }: Part): CauseFigures {
  return {
    onceShare: shareOf({ connections, distribution: requests }, 1),
    requestsP50: requests.p50,
    requestsMax: requests.max,
    resetShare: reset / connections,
  };
}

function ofIdle({ idleMs }: Part): CauseFigures {
  return idleMs === undefined ? {} : { idleP5Ms: idleMs.p5, idleP50Ms: idleMs.p50, idleP95Ms: idleMs.p95 };
}

/** Requests that ask for the end of their connection. Who closes first is a race then, and proves nothing. */
function closeAsked(context: Context): Cause[] {
  const { witness, ended } = context;
  const askedShare = witness.askedToClose / witness.requests;
  if (askedShare < WASTE_SHARE) return [];
  const byGateway = witness.ended.reduce(
    (sum, { by, connections }) => sum + (by === "peer" ? connections : 0),
    0,
  );
  return [{
    cause: "close-asked",
    sure: "certain",
    evidence: figures({
      ...common(context, witness.ended.reduce((sum, { askedToClose }) => sum + askedToClose, 0)),
      askedShare,
      http10Share: witness.http10 / witness.requests,
      endedByGatewayShare: ended === 0 ? undefined : byGateway / ended,
    }),
    toldApartFrom: [
      { cause: "used-once", because: { askedShare } },
      { cause: "backend-closes", because: { askedShare } },
    ],
  }];
}

/** Connections that ended between requests, unasked. */
function idleEnds(context: Context, side: "gateway" | "backend", part: Part): Cause[] {
  const { connections, idleMs } = part;
  if (connections === 0) return [];
  const share = idleMs === undefined ? 0 : shareFrom(idleMs, AT_ONCE_MS);
  // Where most ended at once, the few others are the tail of the same.
  const late = share >= SMALLEST_PART && isOneTime(idleMs!) &&
      !(side === "gateway" &&
        (endedBefore(context.evidence.pool?.idleTimeoutMs, idleMs!) || wasWanted(context, idleMs!)))
    ? share
    : 0;
  const tooLate = side === "gateway" ? context.tooLate : 0;
  const [idleCount, atOnce] = [connections * late, Math.max(0, connections * (1 - late) - tooLate)];
  const timedOut = late > 0 && mattersIdle(context, idleCount);
  return [
    ...(timedOut ? [idleTimeout(context, side, part, idleCount)] : []),
    ...(matters(context, atOnce) && (!timedOut || late < 1 - SMALLEST_PART)
      ? side === "gateway" ? endsAtOnce(context, part, atOnce) : backendEnds(context, part, atOnce)
      : []),
  ];
}

/** Whether most connections were idle for one and the same time when they ended. */
function isOneTime({ p5, p50, p95 }: Distribution): boolean {
  const shortest = p5 < AT_ONCE_MS ? p50 : p5;
  return shortest >= AT_ONCE_MS && shortest >= SAME_TIME * p95;
}

/** With so many requests while a connection was idle, one of them would have taken it, were it in a pool. */
const WANTED = 10;

/**
 * Whether clients that never pause asked so often meanwhile that a connection kept idle would have been taken
 * again: it was no more in a pool, and a gateway without CPU to spare was late to close it.
 */
function wasWanted({ witness, evidence: { requests = {} } }: Context, { p50 }: Distribution): boolean {
  const { perSec = 0, closedLoop = true, pauses = false } = requests;
  return closedLoop && !pauses && perSec * p50 / 1000 >= WANTED * witness.backends;
}

/** Whether connections ended long before they had been idle for as long as the gateway was told. */
function endedBefore(idleTimeoutMs: number | undefined, { p95 }: Distribution): boolean {
  return idleTimeoutMs !== undefined && p95 < SAME_TIME * idleTimeoutMs;
}

function idleTimeout(context: Context, side: "gateway" | "backend", part: Part, connections: number): Cause {
  return {
    cause: `${side}-idle-timeout`,
    sure: "certain",
    side,
    evidence: figures({
      ...common(context, connections),
      ...ofIdle(part),
      unanswered: context.witness.unanswered,
      failedRequests: context.evidence.requests?.failed,
      openPeak: context.witness.openPeak,
    }),
    toldApartFrom: [
      {
        cause: side === "gateway" ? "backend-idle-timeout" : "gateway-idle-timeout",
        because: { endedByGatewayShare: side === "gateway" ? 1 : 0 },
      },
      { cause: side === "gateway" ? "pool-too-small" : "backend-closes", because: ofIdle(part) },
    ],
  };
}

/** The number of requests at which connections end, and the share that does; `undefined` without one. */
function limitOf({ connections, requests }: Part): { limit: number; share: number } | undefined {
  const { max } = requests;
  const share = shareOf({ connections, distribution: requests }, max);
  const before = shareOf({ connections, distribution: requests }, max - 1);
  return max >= 2 && share >= LIMIT_SHARE && share >= LIMIT_STEP * before ? { limit: max, share } : undefined;
}

function requestLimit(
  context: Context,
  part: Part,
  { side, limit, share }: { side: "gateway" | "backend"; limit: number; share: number },
): Cause {
  const connections = part.connections * share;
  return {
    cause: "request-limit",
    sure: "certain",
    side,
    evidence: figures({
      ...common(context, connections),
      limit,
      atLimitShare: share,
      announcedShare: part.announced / part.connections,
    }),
    toldApartFrom: [
      {
        cause: side === "gateway" ? "pool-too-small" : "backend-closes",
        because: { atLimitShare: share, requestsMax: part.requests.max },
      },
      { cause: "used-once", because: { onceShare: ofPart(part).onceShare! } },
    ],
    cannotTell: [{ cause: "intended", tells: "configuration" }],
  };
}

/**
 * Whether no more connections were opened than a first one for each client. HAProxy opens one for the first
 * request of each client (`http-reuse safe`, its default), and closes it where a cap or those that stand
 * already leave no room for it: most have served that request and no other.
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
  return (capped || few) && shareOf({ connections: part.connections, distribution: part.requests }, 1) > 0.5;
}

/** Connections that the gateway ended at once after an answer. */
function endsAtOnce(context: Context, part: Part, atOnce: number): Cause[] {
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
 * Whether connections end at one age, whatever they have carried. Those that all began with the load may end
 * together once; a limit does it again and again.
 */
function isAge(
  { witness, evidence: { repetitions = 1, requests: { concurrency = Infinity } = {} } }: Context,
  { connections, ageMs, requests }: Part,
): boolean {
  const inUse = Math.min(witness.openPeak, concurrency);
  return connections >= GENERATIONS * inUse * repetitions && requests.p5 >= 2 &&
    requests.p5 < requests.p95 && ageMs.p5 >= AT_ONCE_MS &&
    ageMs.p5 >= 0.9 * ageMs.p50;
}

function aged(context: Context, part: Part, connections: number): Cause {
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

/** Connections that the backend ended at once after an answer, unasked. */
function backendEnds(context: Context, part: Part, connections: number): Cause[] {
  const limit = limitOf(part);
  if (limit !== undefined && matters(context, part.connections * limit.share)) {
    const found = requestLimit(context, part, { side: "backend", ...limit });
    const rest = connections - part.connections * limit.share;
    return matters(context, rest) ? [found, backendCloses(context, part, rest)] : [found];
  }
  return isAge(context, part)
    ? [aged(context, part, connections)]
    : [backendCloses(context, part, connections)];
}

function backendCloses(context: Context, part: Part, connections: number): Cause {
  const { witness } = context;
  return {
    cause: "backend-closes",
    sure: "certain",
    side: "backend",
    evidence: figures({
      ...common(context, connections),
      ...ofPart(part),
      announcedShare: part.announced / part.connections,
      unanswered: witness.unanswered,
    }),
    toldApartFrom: [
      { cause: "close-asked", because: { askedShare: witness.askedToClose / witness.requests } },
      { cause: "pool-too-small", because: { endedByGatewayShare: 0 } },
    ],
  };
}

/** Connections that the backend ended in the middle of a request or an answer. */
function backendCuts(context: Context, part: Part): Cause[] {
  return matters(context, part.connections) ? [backendCloses(context, part, part.connections)] : [];
}

/**
 * Connections that the gateway ended while it was owed an answer. When a load ends, up to one request of each
 * client is given up: so many ends are no evidence.
 */
function cutShort(context: Context, groups: readonly EndedConnections[]): Cause[] {
  const { evidence: { requests, repetitions = 1 }, witness } = context;
  const atEnd = (requests?.concurrency ?? 0) * repetitions;
  const part = joined(groups);
  const failed = requests?.failed ?? 0;
  if (!matters(context, part.connections)) return [];
  if (part.connections <= atEnd && failed < part.connections / 2) return [];
  const shape = ofPart(part);
  const inAnswer = joined(groups.filter(({ at }) => at === "answer"));
  // Answers that arrive whole although their connection ended in them: the gateway passes no body on.
  const unread = inAnswer.connections > part.connections / 2 && shape.onceShare! >= ONCE_SHARE &&
    failed < part.connections / 2;
  const figuresOfBoth = figures({
    ...common(context, part.connections),
    ...shape,
    unanswered: witness.unanswered,
    failedRequests: requests?.failed,
    timedOut: requests?.timedOut,
  });
  if (unread) {
    return [{
      cause: "used-once",
      sure: "likely",
      evidence: figuresOfBoth,
      toldApartFrom: [{ cause: "cut-short", because: figures({ failedRequests: failed }) }],
    }];
  }
  return [{
    cause: "cut-short",
    sure: "certain",
    side: "gateway",
    evidence: figuresOfBoth,
    toldApartFrom: [
      {
        cause: "used-once",
        because: figures({ onceShare: shape.onceShare, unanswered: witness.unanswered }),
      },
      { cause: "pool-too-small", because: figures({ unanswered: witness.unanswered }) },
    ],
  }];
}

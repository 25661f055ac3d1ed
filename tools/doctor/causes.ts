/**
 * The causes of what a watch has seen: those of `verdict/`, from the evidence of the facts, and those that
 * are seen at once because something has run out.
 *
 * @module
 */

import { type Cause, causesOf } from "../verdict/causes.ts";
import { type CannotTell, type CauseFigures, figures } from "../verdict/causes/cause.ts";
import { evidenceOf } from "./evidence.ts";
import type { Facts } from "./facts.ts";
import type { Problem } from "./problems.ts";
import type { PoolSeen } from "./watch.ts";

/**
 * Requests in each connection that are tried where nobody said how many there are: one, and many. What holds
 * for either is possible.
 */
const TRIED = [1, 10];

/** Causes that cannot be told from each other without the number of requests. */
const BY_REQUESTS: ReadonlySet<Cause["cause"]> = new Set([
  "used-once",
  "pool-too-small",
  "many-pools",
  "request-limit",
]);

/**
 * The causes, those of what has run out first. Empty where nothing is opened anew, or not enough to harm and
 * nobody asks.
 */
export function causesOfWatch(
  facts: Facts,
  problems: readonly Problem[],
  { requestsPerSec, waiting = 0 }: {
    readonly requestsPerSec: number | undefined;
    /** Requests that wait for a connection, by the gateway's own page. */
    readonly waiting?: number | undefined;
  },
): Cause[] {
  const seen = problems.flatMap((problem) => causeOfProblem(problem, facts));
  const why = requestsPerSec === undefined
    ? withoutRequests(facts)
    : causesOf(evidenceOf(facts, requestsPerSec) ?? {});
  const capped = waiting > 0 ? cappedPool(facts) : undefined;
  const told = capped === undefined
    ? why
    : why.flatMap((cause) => cause.cause === "none" ? [capOf(capped, waiting, requestsPerSec)] : [cause]);
  const others = told.map((cause) => withLookalikes(cause, facts)).filter(({ cause }) =>
    seen.every((one) => one.cause !== cause)
  );
  const pilesUp = problems.find(({ kind }) => kind === "piling up");
  if (pilesUp !== undefined && [...seen, ...others].every(({ cause }) => cause !== "leak")) {
    others.unshift(...standing(facts));
  }
  // A pool does not fit where something has run out of it.
  return [...seen, ...others.filter(({ cause }) => cause !== "none" || seen.length === 0)];
}

/**
 * Causes that look the same from outside, where nobody sees what a connection carried and for how long it was
 * idle.
 */
const LOOKALIKES: Partial<Record<Cause["cause"], readonly Cause["cause"][]>> = {
  "used-once": ["gateway-idle-timeout"],
  "pool-too-small": ["gateway-idle-timeout"],
  "backend-closes": ["backend-idle-timeout", "request-limit"],
};

/** The cause, and beside what it could not be told apart from already, its lookalikes. */
function withLookalikes(cause: Cause, facts: Facts): Cause {
  // That the other ends hold no TIME_WAIT was not seen: it is concluded from counts.
  const seen = ({ timeWaitOnBackend, ...others }: CauseFigures) =>
    timeWaitOnBackend === 0 ? others : { ...others, ...figures({ timeWaitOnBackend }) };
  const known = cause.cannotTell ?? [];
  const more: CannotTell[] = (LOOKALIKES[cause.cause] ?? []).map((cause) => ({ cause, tells: "witness" }));
  // Whether connections that stay at a number are all at work is not to be seen.
  if (cause.cause === "none" && cappedPool(facts) !== undefined) {
    more.push({ cause: "cap", tells: "configuration" });
  }
  const all = [...known, ...more.filter((one) => known.every(({ cause }) => cause !== one.cause))];
  return {
    ...cause,
    evidence: seen(cause.evidence),
    toldApartFrom: cause.toldApartFrom.map((one) => ({ ...one, because: seen(one.because) })),
    ...(all.length === 0 ? {} : { cannotTell: all }),
  };
}

/** A pool that stays at a number, and the clients that are more than that. */
interface CappedPool {
  readonly size: number;
  readonly clients: number;
}

/** The pool that stays at a number although clients are connected in greater number. */
function cappedPool({ destinations, listeners }: Facts): CappedPool | undefined {
  const clients = listeners.reduce((most, { pool }) => Math.max(most, pool.floor), 0);
  const capped = destinations.find(({ pool }) => isCapped(pool, clients));
  return capped === undefined ? undefined : { size: capped.pool.ceiling, clients };
}

/** That the number is a cap follows from requests that wait in line for it, by the gateway's own page. */
function capOf({ size, clients }: CappedPool, waiting: number, requestsPerSec: number | undefined): Cause {
  return {
    cause: "cap",
    sure: "likely",
    side: "gateway",
    evidence: figures({ cap: size, concurrency: clients, waiting, requestsPerSec }),
    toldApartFrom: [{ cause: "none", because: { waiting } }],
  };
}

/** From this share of the connections on that stood for the whole watch, they are the same ones. */
const STAYED = 0.9;

/** Whether a pool stays at a number that is lower than that of the clients. */
export function isCapped({ flat, ceiling, kept }: PoolSeen, clients: number): boolean {
  return flat && kept >= STAYED * ceiling && ceiling < clients;
}

/** What is possible whatever the number of requests; without the figures that were only assumed. */
function withoutRequests(facts: Facts): Cause[] {
  const { openedPerSec, acceptedPerSec } = facts.rates ?? facts.lastMinute;
  const newPerSec = Math.max(openedPerSec, acceptedPerSec);
  if (newPerSec === 0) return [];
  const causes = TRIED.flatMap((each) => causesOf(evidenceOf(facts, newPerSec * each) ?? {}))
    .filter(({ cause }) => cause !== "none");
  const distinct = [...Map.groupBy(causes, ({ cause }) => cause).values()].map(([first]) => first!);
  // A cause that is possible was told apart from none of the others that are.
  const isOpen = (other: Cause["cause"]) => distinct.some(({ cause }) => cause === other);
  return distinct.map(({ evidence, cannotTell = [], toldApartFrom, ...cause }): Cause => {
    const alike = distinct.map(({ cause }) => cause).filter((other) =>
      other !== cause.cause && BY_REQUESTS.has(other) && BY_REQUESTS.has(cause.cause)
    );
    const { requests: _, openedPerRequest: _o, clientOpenedPerRequest: _c, ...known } = evidence;
    const open = [
      ...alike.map((cause) => ({ cause, tells: "request count" }) as const),
      ...cannotTell.filter(({ cause }) => !alike.includes(cause)),
    ];
    return {
      ...cause,
      sure: cause.sure === "certain" && !BY_REQUESTS.has(cause.cause) ? "certain" : "possible",
      evidence: known,
      toldApartFrom: toldApartFrom.filter(({ cause }) => !isOpen(cause)),
      ...(open.length === 0 ? {} : { cannotTell: open }),
    };
  });
}

/** That connections stay for nobody's use: it follows from their growth alone, whoever asked for them. */
function standing({ destinations }: Facts): Cause[] {
  const openAtEnd = destinations.reduce((sum, { states }) => sum + states.established, 0);
  return [{
    cause: "leak",
    sure: "possible",
    side: "gateway",
    evidence: { openAtEnd },
    toldApartFrom: [],
    cannotTell: [{ cause: "none", tells: "longer load" }],
  }];
}

/** The cause that a problem is by itself; empty where a problem says nothing of the cause. */
function causeOfProblem(problem: Problem, { watchedSec }: Facts): Cause[] {
  const cause = (
    name: Cause["cause"],
    sure: Cause["sure"],
    shown: Parameters<typeof figures>[0],
  ): Cause[] => [{
    cause: name,
    sure,
    side: "gateway",
    evidence: figures(shown),
    toldApartFrom: [],
  }];
  switch (problem.kind) {
    case "ports gone":
      return cause("ports-exhausted", "likely", { portsUsed: problem.destination.portsUsed });
    case "bound source":
      return cause("bound-source", "likely", {});
    case "leak":
      return cause("leak", watchedSec >= 5 ? "certain" : "likely", { closeWait: problem.stuck });
    case "accept queue":
      return cause("accept-queue", "certain", { listenDrops: problem.overflows });
    case "descriptors":
      return cause("descriptors-exhausted", "likely", {});
    default:
      return [];
  }
}

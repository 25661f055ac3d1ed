/**
 * What the facts are to the verdict: evidence on the connections of one gateway.
 *
 * @module
 */

import type { Evidence } from "../verdict/evidence.ts";
import type { Closers } from "./closers.ts";
import type { Connections, Facts, Listener } from "./facts.ts";

/**
 * Connections that others have closed, from this share of the new ones on, are no error of counting: a
 * counter and a table are not read in the same moment, and connects that failed are among them.
 */
const CLEARLY_OTHERS = 0.1;

/**
 * From this share on of requests that open a connection, each of them does: the number of requests comes from
 * elsewhere, and was hardly counted in just the same seconds.
 */
const EACH = 0.85;

/**
 * From this share of the new connections on that readings show, few have come and gone between two of them.
 */
const NEARLY_ALL = 0.8;

/** Fewest connections that show at what age they end. */
const FEWEST_ENDED = 20;

/** Fewest readings that hold a connection whose age is known well enough to compare it with others. */
const FEWEST_READINGS = 2;

/** From so many readings on those that live long are told from any that were in one. */
const MANY_READINGS = 6;

/**
 * The evidence of a watch, or of the last minute as a single reading shows it: connections that were closed
 * here first, which are the fewest that were opened. Those that the other end closed, or a reset, it does not
 * show. `undefined` where a single reading shows none.
 *
 * No backend is a witness, and no log is read. The clients of a live machine ask when they like, so nothing
 * follows from how many of them are connected but an upper limit of the requests at one time.
 *
 * @param requestsPerSec requests that the gateway answers per second.
 */
export function evidenceOf(facts: Facts, requestsPerSec: number): Evidence | undefined {
  const { destinations, usable } = facts;
  const flow = flowOf(facts);
  if (flow === undefined) return undefined;
  const { seconds, opened: { newPerSec, herePerSec, owedPerSec, otherwisePerSec } } = flow;
  const sum = (some: readonly Connections[], of: (one: Connections) => number) =>
    some.reduce((sum, one) => sum + of(one), 0);
  const others = Math.max(0, (otherwisePerSec ?? 0) - flow.resetsPerSec);
  const openAtEnd = sum(destinations, ({ states }) => states.established);
  const opened = Math.round(newPerSec * seconds);
  const closed = Math.min(opened, Math.round((herePerSec + (otherwisePerSec ?? 0)) * seconds));
  const clients = listenersOfProgram(facts);
  const concurrency = sum(clients, ({ pool, states }) => Math.max(pool.ceiling, states.established));
  const [most] = destinations;
  const endedAtMs = endedAtMsOf(facts, opened);
  const perSec = newPerSec >= EACH * requestsPerSec ? Math.min(newPerSec, requestsPerSec) : requestsPerSec;
  return {
    requests: {
      answered: Math.round(perSec * seconds),
      perSec,
      ...(concurrency === 0 ? {} : { concurrency }),
      closedLoop: false,
    },
    upstream: {
      destinations: destinations.filter(({ madePerSec, states }) => madePerSec > 0 || states.established > 0)
        .length,
      opened,
      openedPerSec: newPerSec,
      closed,
      openAtStart: Math.max(0, openAtEnd - (opened - closed)),
      openAtEnd,
      openPeak: sum(destinations, ({ pool, states }) => Math.max(pool.ceiling, states.established)),
      closeWait: sum(destinations, ({ stuckInCloseWait }) => stuckInCloseWait),
      timeWaitOnGateway: Math.round((herePerSec - owedPerSec) * seconds),
      ...(owedPerSec === 0 ? {} : { closedWhileOwed: Math.round(owedPerSec * seconds) }),
      ...(endedAtMs === undefined ? {} : { endedAtMs }),
      ...(otherwisePerSec === undefined ? {} : {
        timeWaitOnBackend: others >= CLEARLY_OTHERS * newPerSec ? Math.round(others * seconds) : 0,
      }),
    },
    clients: {
      opened: Math.round(flow.accepted.newPerSec * seconds),
      needed: sum(clients, ({ pool }) => Math.max(0, pool.ceiling - pool.floor)),
      timeWaitOnGateway: Math.round(flow.accepted.herePerSec * seconds),
    },
    ...(most === undefined ? {} : { ports: { range: usable.count, usedPeak: most.portsUsed } }),
  };
}

/** At what age connections end, where readings show nearly all of them, and each often enough. */
function endedAtMsOf({ lives, watchedSec }: Facts, opened: number): readonly [number, number] | undefined {
  const { came = 0, went = 0, readings, all = 0 } = lives ?? {};
  if (readings === undefined || went < FEWEST_ENDED || came < NEARLY_ALL * opened) return undefined;
  if (readings[0] < FEWEST_READINGS && readings[1] < MANY_READINGS) return undefined;
  const intervalMs = 1000 * watchedSec / (all - 1);
  return [readings[0] * intervalMs, readings[1] * intervalMs];
}

/**
 * Connections that were new and that ended, over some time; `otherwisePerSec` is left out where it is not
 * seen.
 */
interface Flow {
  readonly seconds: number;
  readonly opened: Omit<Closers, "otherwisePerSec"> & { readonly otherwisePerSec?: number };
  readonly accepted: Omit<Closers, "otherwisePerSec">;
  readonly resetsPerSec: number;
}

function flowOf(facts: Facts): Flow | undefined {
  const { rates, closers, lastMinute: { seconds, openedPerSec, acceptedPerSec } } = facts;
  if (rates !== undefined && closers !== undefined) {
    const resetsPerSec = rates.lingerResetsPerSec + rates.unreadResetsPerSec;
    return { seconds: rates.seconds, ...closers, resetsPerSec };
  }
  if (openedPerSec + acceptedPerSec === 0) return undefined;
  const here = (perSec: number) => ({ newPerSec: perSec, herePerSec: perSec, owedPerSec: 0 });
  return { seconds, opened: here(openedPerSec), accepted: here(acceptedPerSec), resetsPerSec: 0 };
}

/** The ports of the program that is looked at; all of them where it cannot be seen who listens. */
function listenersOfProgram({ listeners, program }: Facts): Listener[] {
  const own = listeners.filter(({ owners }) => owners.some(({ name }) => name === program?.name));
  return own.length > 0 ? own : [...listeners];
}

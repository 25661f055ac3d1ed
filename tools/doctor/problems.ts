/**
 * What of the facts is wrong, and how bad it is: ports that run out, programs that leak, limits that are met.
 * Why connections are opened that need not be is another question, which `verdict/` answers.
 *
 * @module
 */

import type { Destination, Facts, Listener, Owner } from "./facts.ts";
import type { Counted, Used } from "./limits.ts";
import { TIME_WAIT_SEC } from "../verdict/port_forecast.ts";
import { GONE_FROM } from "./usable_ports.ts";

/** Something that is wrong. The most urgent kind stands first. */
export type Problem =
  /** Ports towards a destination are in use, nearly all of them, or will be within a minute. */
  | {
    readonly kind: "ports gone" | "ports going" | "ports slow" | "churn";
    readonly destination: Destination;
  }
  /** Connections are opened and stay, more and more of them. */
  | { readonly kind: "piling up"; readonly destination: Destination; readonly grownPerSec: number }
  /** Connections are opened and closed by a reset here: no TIME_WAIT shows them, and no port is held. */
  | { readonly kind: "reset churn"; readonly resetsPerSec: number }
  /** Local ports are bound ahead of the connect, so one range serves all destinations together. */
  | { readonly kind: "bound source"; readonly source: string }
  /** Connections that the other end has closed and the program here has not, for as long as was watched. */
  | {
    readonly kind: "leak";
    readonly service: string;
    readonly stuck: number;
    /** All that stand in CLOSE_WAIT, those that came during the watch among them. */
    readonly closeWait: number;
    readonly owner?: Owner;
  }
  /** Connections met a full accept queue while it was watched. */
  | { readonly kind: "accept queue"; readonly overflows: number; readonly fullest?: Listener }
  /** TIME_WAITs were thrown away while it was watched, or soon are. */
  | { readonly kind: "time waits thrown away"; readonly overflowed: Counted; readonly timeWait?: Used }
  /** A process has nearly as many descriptors open as it may. */
  | { readonly kind: "descriptors"; readonly process: Used & { readonly pid: number; readonly name: string } }
  /** The table of tracked connections is nearly full. */
  | { readonly kind: "conntrack"; readonly conntrack: Used };

/** From this share of a limit on it is nearly reached. */
const NEARLY = 0.8;

/** Fewest connections that count as a leak. */
const FEWEST_STUCK = 10;

/** A watch shorter than this, in seconds, does not show that nobody closes a connection. */
const STUCK_AFTER_SEC = 2;

/**
 * From this share of the ports on, held once 60 s have passed, new connections to a destination are too many
 * to be called harmless. A rule of thumb: at the default range, 47 connections a second that are closed here.
 */
export const CHURN_FROM = 0.1;

const URGENCY: Readonly<Record<Problem["kind"], number>> = {
  "ports gone": 0,
  "descriptors": 1,
  "ports going": 2,
  "bound source": 3,
  "piling up": 3.5,
  "leak": 4,
  "accept queue": 5,
  "ports slow": 6,
  "conntrack": 7,
  "time waits thrown away": 8,
  "churn": 9,
  "reset churn": 10,
};

/** What is wrong, the most urgent first. */
export function problemsOf(facts: Facts): Problem[] {
  const { destinations, listeners, limits, boundSources, watchedSec, rates } = facts;
  const problems: Problem[] = [
    ...destinations.flatMap((destination): Problem[] => {
      const kind = portProblemOf(destination, facts.usable.count);
      return kind === undefined ? [] : [{ kind, destination }];
    }),
    ...destinations.flatMap((destination): Problem[] => {
      const grownPerSec = grownPerSecOf(destination, facts);
      return grownPerSec === undefined ? [] : [{ kind: "piling up", destination, grownPerSec }];
    }),
    ...boundSources.map((source): Problem => ({ kind: "bound source", source })),
    ...[...destinations, ...listeners].flatMap((connections): Problem[] => {
      const { stuckInCloseWait: stuck, owners: [owner] } = connections;
      if (stuck < FEWEST_STUCK || watchedSec < STUCK_AFTER_SEC) return [];
      const service = "service" in connections ? connections.service : `:${connections.port}`;
      return [{
        kind: "leak",
        service,
        stuck,
        closeWait: connections.states.closeWait,
        ...(owner === undefined ? {} : { owner }),
      }];
    }),
    ...limits.descriptors.filter(isNearly).map((process): Problem => ({ kind: "descriptors", process })),
  ];
  if ((limits.listenOverflows.meanwhile ?? 0) > 0) {
    const fullest = listeners.toSorted((a, b) => b.queue - a.queue).find(({ queue }) => queue > 0);
    problems.push({
      kind: "accept queue",
      overflows: limits.listenOverflows.meanwhile!,
      ...(fullest === undefined ? {} : { fullest }),
    });
  }
  const { timeWait, timeWaitOverflowed, conntrack } = limits;
  if ((timeWaitOverflowed.meanwhile ?? 0) > 0 || (timeWait !== undefined && isNearly(timeWait))) {
    problems.push({
      kind: "time waits thrown away",
      overflowed: timeWaitOverflowed,
      ...(timeWait === undefined ? {} : { timeWait }),
    });
  }
  if (conntrack !== undefined && isNearly(conntrack)) problems.push({ kind: "conntrack", conntrack });
  const resetsPerSec = (rates?.lingerResetsPerSec ?? 0) + (rates?.unreadResetsPerSec ?? 0);
  const churnedPerSec = Math.min(resetsPerSec, rates?.openedPerSec ?? 0);
  if (churnedPerSec * TIME_WAIT_SEC >= facts.usable.count * CHURN_FROM) {
    problems.push({ kind: "reset churn", resetsPerSec });
  }
  return problems.sort((a, b) => URGENCY[a.kind] - URGENCY[b.kind]);
}

function isNearly({ used, limit }: Used): boolean {
  return used >= limit * NEARLY;
}

/**
 * How many more connections to a destination stand each second; `undefined` where they do not go on growing.
 * A pool that has just begun to fill grows as well: it has to hold as many ports as churn may.
 */
export function grownPerSecOf(
  { pool, states }: Destination,
  { usable, watchedSec }: Pick<Facts, "usable" | "watchedSec">,
): number | undefined {
  const { floor, ceiling, kept, readings } = pool;
  if (readings < 2 || states.established !== ceiling || kept < floor * STILL_THERE) return undefined;
  const grownPerSec = (ceiling - floor) / watchedSec;
  const much = usable.count * CHURN_FROM;
  return ceiling >= much && grownPerSec * TIME_WAIT_SEC >= much ? grownPerSec : undefined;
}

/** This share of the connections stays where they pile up. */
const STILL_THERE = 0.9;

function portProblemOf(
  { outlook, reusable, portsUsed, states }: Destination,
  usable: number,
): "ports gone" | "ports going" | "ports slow" | "churn" | undefined {
  const { goneInSec, halfInSec, levelsOffAt } = outlook;
  // Connections that stand are no churn.
  const isChurn = levelsOffAt - Math.max(0, portsUsed - states.timeWait) >= usable * CHURN_FROM;
  // A port whose TIME_WAIT may be taken again after a second is not gone; those of standing connections are.
  if (reusable && portsUsed - states.timeWait < usable * GONE_FROM) {
    return isChurn ? "churn" : undefined;
  }
  if (goneInSec === 0) return "ports gone";
  if (goneInSec !== undefined) return "ports going";
  if (halfInSec !== undefined) return "ports slow";
  return isChurn ? "churn" : undefined;
}

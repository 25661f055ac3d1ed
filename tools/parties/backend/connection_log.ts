/**
 * What a backend keeps of its connections, so that it can be the witness: a few numbers for each that stands,
 * and tallies of those that have ended.
 *
 * @module
 */

import { Tally } from "../../observe/distribution.ts";
import type { BusyConnections, EndedConnections, OpenConnections, Witness } from "../../observe/witness.ts";

/** A number of busy connections that is passed for less than this share of the time is that of a moment. */
const BRIEF_SHARE = 0.01;

/** From this share of the most on, all are busy but those whose next request is under way to the backend. */
const FULL_SHARE = 0.97;

/** In which moment a connection is; see {@linkcode EndedConnections}. */
export type Moment = EndedConnections["at"];

/** A connection as the witness keeps it. */
export interface WatchedConnection {
  /** When it was accepted, by `performance.now()`. */
  readonly acceptedMs: number;
  /** Whether the peer has sent the head of a request. */
  heard: boolean;
  /** In which moment it is. */
  moment: Moment;
  /** When it became idle, by `performance.now()`. */
  idleSinceMs: number;
  /** Requests that were read to their end. */
  requests: number;
  /** Whether the last request has asked for the end of the connection. */
  askedToClose: boolean;
  /** Whether the last answer has said that the connection ends. */
  announced: boolean;
  /** Whether its end was seen. */
  ended: boolean;
  /** Whether it ended before an answer that may still be sent, because only one direction has ended. */
  owesAnswer: boolean;
}

/** The connections that have ended in one way. */
class EndedGroup {
  connections = 0;
  askedToClose = 0;
  announced = 0;
  readonly requests = new Tally();
  readonly idleMs = new Tally();
  readonly ageMs = new Tally();

  constructor(readonly way: Pick<EndedConnections, "by" | "how" | "at">) {}

  add(connection: WatchedConnection, nowMs: number): void {
    this.connections++;
    if (connection.askedToClose) this.askedToClose++;
    if (connection.announced) this.announced++;
    this.requests.add(connection.requests);
    if (this.way.at === "idle") this.idleMs.add(Math.round(nowMs - connection.idleSinceMs));
    this.ageMs.add(Math.round(nowMs - connection.acceptedMs));
  }

  summary(): EndedConnections {
    const { way, connections, askedToClose, announced, requests, idleMs, ageMs } = this;
    return {
      ...way,
      connections,
      askedToClose,
      announced,
      requests: requests.distribution(),
      ...(way.at === "idle" ? { idleMs: idleMs.distribution() } : {}),
      ageMs: ageMs.distribution(),
    };
  }
}

/**
 * How many connections were busy, over time: for each number, for how long it was so. It begins with the
 * first request and ends with the last answer, so that the time before and after a load is not in it.
 */
class BusyTime {
  /** For each number of busy connections, for how many milliseconds so many were. */
  readonly #ms: number[] = [];
  #now: number;
  #sinceMs: number | undefined;

  constructor(now: number, nowMs: number) {
    this.#now = now;
    this.#sinceMs = now > 0 ? nowMs : undefined;
  }

  get now(): number {
    return this.#now;
  }

  /** `nowMs` may be that of a moment ago: time does not run backwards. */
  change(by: 1 | -1, nowMs: number): void {
    const sinceMs = this.#sinceMs ??= nowMs;
    if (nowMs > sinceMs) {
      this.#ms[this.#now] = (this.#ms[this.#now] ?? 0) + nowMs - sinceMs;
      this.#sinceMs = nowMs;
    }
    this.#now += by;
  }

  /** `undefined` where no time has passed. */
  summary(): BusyConnections | undefined {
    const sumMs = (from: number) => this.#ms.slice(from).reduce((sum, ms = 0) => sum + ms, 0);
    const spanMs = sumMs(0);
    if (spanMs === 0) return undefined;
    let [most, overMs] = [this.#ms.length - 1, 0];
    while (overMs + (this.#ms[most] ?? 0) < BRIEF_SHARE * spanMs) overMs += this.#ms[most--] ?? 0;
    const busyMs = this.#ms.reduce((sum, ms = 0, connections) => sum + ms * connections, 0);
    return {
      spanMs,
      mean: busyMs / spanMs,
      most,
      fullShare: sumMs(Math.ceil(FULL_SHARE * most)) / spanMs,
    };
  }
}

/** What was counted since the last summary. */
class Counts {
  accepted = 0;
  unused = 0;
  requests = 0;
  http10 = 0;
  askedToClose = 0;
  unanswered = 0;
  readonly ended = new Map<string, EndedGroup>();

  constructor(readonly stoodBefore: number, public openPeak: number, readonly busy: BusyTime) {}
}

/** The log of a backend's connections. */
export class ConnectionLog {
  readonly #open = new Set<WatchedConnection>();
  #heard = 0;
  #counts = new Counts(0, 0, new BusyTime(0, 0));

  /** Notes a connection that was accepted. */
  accept(): WatchedConnection {
    const nowMs = performance.now();
    const connection: WatchedConnection = {
      acceptedMs: nowMs,
      heard: false,
      moment: "idle",
      idleSinceMs: nowMs,
      requests: 0,
      askedToClose: false,
      announced: false,
      ended: false,
      owesAnswer: false,
    };
    this.#open.add(connection);
    return connection;
  }

  /** Notes that a request has begun to arrive, at `nowMs` by `performance.now()`. */
  began(connection: WatchedConnection, nowMs: number): void {
    connection.moment = "request";
    this.#counts.busy.change(1, nowMs);
  }

  /**
   * Notes that the head of a request has come whole, and is one. A connection counts from its first head on:
   * a probe that connects, or sends what is no HTTP, is no connection of the load.
   */
  heard(connection: WatchedConnection): void {
    if (connection.heard) return;
    connection.heard = true;
    this.#counts.accepted++;
    this.#heard++;
    if (this.#heard > this.#counts.openPeak) this.#counts.openPeak = this.#heard;
  }

  /** Notes a request that was read to its end. */
  read(connection: WatchedConnection, { http10, askedToClose }: { http10: boolean; askedToClose: boolean }) {
    connection.requests++;
    connection.askedToClose = askedToClose;
    this.#counts.requests++;
    if (http10) this.#counts.http10++;
    if (askedToClose) this.#counts.askedToClose++;
  }

  /**
   * Notes that an answer was sent whole, at `nowMs` by `performance.now()`. Its request is no longer
   * unanswered, where the peer had sent its FIN before.
   */
  answered(connection: WatchedConnection, nowMs: number): void {
    if (connection.moment !== "idle" && !connection.ended) this.#counts.busy.change(-1, nowMs);
    connection.moment = "idle";
    connection.idleSinceMs = nowMs;
    if (!connection.owesAnswer) return;
    connection.owesAnswer = false;
    this.#counts.unanswered--;
  }

  /** Notes the end of a connection, where it is the first that is seen of it. */
  end(connection: WatchedConnection, by: EndedConnections["by"], how: EndedConnections["how"]): void {
    if (connection.ended) return;
    connection.ended = true;
    this.#open.delete(connection);
    const counts = this.#counts;
    const nowMs = performance.now();
    if (connection.moment !== "idle") counts.busy.change(-1, nowMs);
    if (!connection.heard) {
      counts.unused++;
      return;
    }
    this.#heard--;
    const at = connection.moment;
    if (at !== "idle") {
      connection.owesAnswer = true;
      counts.unanswered++;
    }
    const way = `${by} ${how} ${at}`;
    let group = counts.ended.get(way);
    if (group === undefined) counts.ended.set(way, group = new EndedGroup({ by, how, at }));
    group.add(connection, nowMs);
  }

  /** What was seen since the last summary, or since the start. Begins to count anew. */
  summary(backend: string): Witness {
    const { stoodBefore, accepted, requests, http10, askedToClose, openPeak, ...counts } = this.#counts;
    const busy = counts.busy.summary();
    const heard = [...this.#open].filter((connection) => connection.heard);
    const unused = counts.unused + this.#open.size - heard.length;
    this.#counts = new Counts(
      heard.length,
      heard.length,
      new BusyTime(counts.busy.now, performance.now()),
    );
    return {
      backend,
      stoodBefore,
      accepted,
      ...(unused === 0 ? {} : { unused }),
      requests,
      http10,
      askedToClose,
      // A request that was unanswered in the period before may have had its answer in this one.
      unanswered: Math.max(0, counts.unanswered),
      openPeak,
      ended: [...counts.ended.values()].map((group) => group.summary())
        .toSorted((a, b) => b.connections - a.connections),
      ...(busy === undefined ? {} : { busy }),
      open: openConnections(heard),
    };
  }
}

function openConnections(connections: readonly WatchedConnection[]): OpenConnections {
  const nowMs = performance.now();
  const idle = connections.filter(({ moment }) => moment === "idle");
  const requests = new Tally();
  for (const connection of connections) requests.add(connection.requests);
  const idleMs = new Tally();
  for (const { idleSinceMs } of idle) idleMs.add(Math.round(nowMs - idleSinceMs));
  return {
    connections: connections.length,
    busy: connections.length - idle.length,
    requests: requests.distribution(),
    ...(idle.length === 0 ? {} : { idleMs: idleMs.distribution() }),
  };
}

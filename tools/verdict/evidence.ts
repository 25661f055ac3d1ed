/**
 * What is known of one gateway's connections, wherever it comes from: a run of a bench, or a watch over a
 * live machine. The causes are read off it, and off nothing else.
 *
 * Every figure is optional: what was not seen is left out, and is never 0. Counts are sums over all that was
 * measured; what stood at a time is the median of the repetitions. A watch is one repetition.
 *
 * @module
 */

import type { EndedConnections, OpenConnections } from "../observe/witness.ts";

/** What is known of one gateway's connections. */
export interface Evidence {
  /** Over how many repetitions the counts are summed; 1 where this is left out. */
  readonly repetitions?: number;
  /** What clients asked of the gateway. Left out where nobody counted. */
  readonly requests?: RequestEvidence;
  /** The gateway's connections to its backends, from the kernel's tables. */
  readonly upstream?: UpstreamEvidence;
  /** The clients' connections to the gateway, from the kernel's tables. */
  readonly clients?: ClientEvidence;
  /** What backends saw of each connection. Left out where no backend is a witness. */
  readonly witness?: WitnessEvidence;
  /**
   * Failures between the gateway and its backends, by the name of the errno, as the gateway's log has them:
   * how often each. Left out where no log was read; empty where the log has none.
   */
  readonly failures?: Readonly<Record<string, number>>;
  /** The ephemeral ports towards the destination that has the most of them in use. */
  readonly ports?: PortEvidence;
  /** Connections that the gateway's host has dropped because a listener's queue was full (ListenDrops). */
  readonly listenDrops?: number;
  /** How the gateway was told to pool. Known of gateways of ours only. */
  readonly pool?: PoolEvidence;
}

/** What clients asked of the gateway. */
export interface RequestEvidence {
  /** Requests that were answered, with any status. */
  readonly answered?: number;
  /**
   * Requests per second that were answered in time with 2xx or 3xx: the figure of the report's table. On a
   * live machine, where nobody sees a status, all that were answered.
   */
  readonly perSec?: number;
  /** Requests that failed: not answered, too late, or with a status other than 2xx and 3xx. */
  readonly failed?: number;
  /** Those among them that were answered too late. */
  readonly timedOut?: number;
  /**
   * Requests whose client left before the answer, as it was told to. None of them failed. Left out where no
   * client was to leave.
   */
  readonly abandoned?: number;
  /**
   * The most requests that can have been under way at one time: the connections of the clients. A pause takes
   * nothing off it: all of them ask at once when a burst begins.
   */
  readonly concurrency?: number;
  /** Whether the clients ask again as soon as they are answered, so that `concurrency` are under way. */
  readonly closedLoop?: boolean;
  /** Whether the clients pause between bursts. */
  readonly pauses?: boolean;
  /** The median latency, as clients see it, in milliseconds. */
  readonly latencyP50Ms?: number;
}

/** The gateway's connections to its backends. */
export interface UpstreamEvidence {
  /** How many services the gateway connects to: addresses with their ports. */
  readonly destinations?: number;
  /** Connections that it opened while it was watched. */
  readonly opened?: number;
  /** Requests that the backends have answered. */
  readonly answered?: number;
  /**
   * Requests per second that its connections to the backends carried, whatever became of them: what Little's
   * law and connections per request are about. Where no backend counts, all that clients were answered.
   */
  readonly carriedPerSec?: number;
  /** Connections that it opened per second once its pool was warm: in the second half of the time. */
  readonly openedPerSec?: number;
  /** Connections that ended meanwhile, by whoever: those opened less the growth of those that stand. */
  readonly closed?: number;
  /** Connections that stood at the beginning. */
  readonly openAtStart?: number;
  /** Connections that stood at the end. */
  readonly openAtEnd?: number;
  /**
   * Connections that stood idle when all clients had just been busy at one time and nothing was under way any
   * more: after a warm-up. Left out without one.
   */
  readonly keptIdle?: number;
  /** The most that stood at one time, once warm. */
  readonly openPeak?: number;
  /** The lowest and the highest number that stood in the second half of the time, of all repetitions. */
  readonly openRange?: readonly [number, number];
  /**
   * Connections that the gateway closed first, and on which a backend sent something afterwards. Left out
   * where there was none, and where that is not seen.
   */
  readonly closedWhileOwed?: number;
  /**
   * Ages at which connections ended, in milliseconds: one in ten had ended by the first, nine in ten by the
   * second. Left out where they were not seen from their begin to their end.
   */
  readonly endedAtMs?: readonly [oneInTen: number, nineInTen: number];
  /** Sockets in CLOSE_WAIT: the backend has closed them, and the gateway has not. */
  readonly closeWait?: number;
  /** TIME_WAITs on the gateway's host for connections that it had opened: it closed them first. */
  readonly timeWaitOnGateway?: number;
  /**
   * TIME_WAITs on the backends' hosts: they closed first. Left out where the backends cannot be looked at.
   */
  readonly timeWaitOnBackend?: number;
  /** How long a backend takes for an answer, on average, in milliseconds. */
  readonly backendMs?: number;
  /** Whether the backends close only where a request asks for it. Left out where nobody knows. */
  readonly backendClosesOnlyIfAsked?: boolean;
}

/** The clients' connections to the gateway. */
export interface ClientEvidence {
  /** Connections that clients opened to the gateway. */
  readonly opened?: number;
  /**
   * Connections that they had to open: those that stood at one time, and those that they meant to end
   * themselves.
   */
  readonly needed?: number;
  /** TIME_WAITs on the gateway's listening port: the gateway closed first. They take no ephemeral port. */
  readonly timeWaitOnGateway?: number;
  /** TIME_WAITs on the clients' hosts: the clients closed first. Each takes a port of theirs. */
  readonly timeWaitOnClient?: number;
}

/**
 * What all backends together saw of each connection. Distributions are those of all repetitions and backends;
 * their percentiles are middled.
 */
export interface WitnessEvidence {
  /** How many backends were witnesses. */
  readonly backends: number;
  /** Connections that stood when it began. */
  readonly stoodBefore: number;
  /** Connections that were accepted. */
  readonly accepted: number;
  /** Connections that need not have been opened: those of a repetition beyond the most that stood at once. */
  readonly reopened: number;
  /** Requests that were read. */
  readonly requests: number;
  /** Those of HTTP/1.0. */
  readonly http10: number;
  /** Those that asked for the end of their connection. */
  readonly askedToClose: number;
  /** Requests whose connection ended before their answer was sent whole. */
  readonly unanswered: number;
  /** The most connections that stood at one time. */
  readonly openPeak: number;
  /** The lowest and the highest such peak of all repetitions. */
  readonly openPeaks: readonly [number, number];
  /**
   * How busy the connections were. Left out where nothing was asked, and by a witness of an older version.
   */
  readonly busy?: BusyEvidence;
  /** Connections that ended, by how they ended. */
  readonly ended: readonly EndedConnections[];
  /** Connections that stood at the end, summed over the repetitions. */
  readonly open: OpenConnections;
}

/** How busy the connections to the backends were, as their witnesses have it. */
export interface BusyEvidence {
  /** For how long connections were busy, summed over them, in milliseconds. */
  readonly totalMs: number;
  /** The lowest and the highest number, of all repetitions, of the most that were busy. */
  readonly most: readonly [number, number];
  /** The mean share of them that was busy. */
  readonly share: number;
  /** The share of the time in which all but at most 3% of them were. */
  readonly fullShare: number;
}

/** The ephemeral ports towards one destination. */
export interface PortEvidence {
  /** How many there are: the size of `ip_local_port_range`. */
  readonly range: number;
  /** The most in use at one time. */
  readonly usedPeak: number;
}

/** How a gateway of ours was told to pool. */
export interface PoolEvidence {
  /** Idle connections to one backend that it keeps; `Infinity` is no limit. */
  readonly keepsPerHost: number;
  /** Idle connections that it keeps in all; `Infinity` is no limit. */
  readonly keepsInAll: number;
  /** The most connections to one backend; `Infinity` is no limit. */
  readonly mostPerHost: number;
  /** For how long it keeps an idle connection, in milliseconds; `Infinity` is no limit. */
  readonly idleTimeoutMs: number;
  /** Whether it asks for the end of each connection. */
  readonly asksToClose: boolean;
  /** Threads among which the limits are divided. */
  readonly workers: number;
  /** Connections that its pool closed because it held too many for one backend. Left out where unknown. */
  readonly closedPerHost?: number;
  /** Connections that its pool closed because it held too many in all. Left out where unknown. */
  readonly closedInAll?: number;
  /** Connections that the backend ended, announced or not, as its pool has seen. Left out where unknown. */
  readonly closedByBackend?: number;
  /** Connections that its pool closed because they had been idle for too long. Left out where unknown. */
  readonly closedIdle?: number;
  /** Connections that it closed because the backend took too long. Left out where unknown. */
  readonly closedLate?: number;
  /** Connections that it closed because the client had left. Left out where unknown. */
  readonly closedForClient?: number;
}

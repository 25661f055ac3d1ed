/**
 * What was observed of the hosts of a lab while a load ran: single figures, and their course over time.
 *
 * @module
 */

import type { Amount } from "../figures.ts";
import type { ConnectionGroup, TimeWaitGroup } from "./tcp_table.ts";

/**
 * Something of each host; `null` for one that was not watched, because a figure of 0 would say that nothing
 * went on there. From the client's hosts comes the load, so they always are.
 */
export interface OfHosts<T> {
  /** Of the client's. */
  readonly client: T;
  /** Of the gateway's. */
  readonly gateway: T | null;
  /** Of the backend's. */
  readonly backend: T | null;
}

/** What one host's TCP tables have shown between the start and the end of the load. */
export interface HostResult {
  /**
   * The most sockets in TIME_WAIT at one time; where the hosts share one table, those of this repetition at
   * its end.
   */
  readonly timeWaitPeak: Amount;
  /**
   * How often a socket entered TIME_WAIT. `null` where the hosts share one table, which does not say whose
   * socket it was.
   */
  readonly timeWaitEntered: number | null;
  /** Connections that this host has opened. */
  readonly connectionsOpened: number;
  /**
   * The most ephemeral ports in use at one time: by connections that this host had opened, and by their
   * TIME_WAITs.
   */
  readonly portsUsedPeak: Amount;
  /**
   * TIME_WAIT sockets whose port a new connection took. `null` in a host lab; in a loopback lab the sum of
   * all hosts.
   */
  readonly timeWaitReused: number | null;
  /**
   * TIME_WAIT states thrown away because of `tcp_max_tw_buckets`. `null` and summed like `timeWaitReused`.
   */
  readonly timeWaitOverflowed: number | null;
  /**
   * Connections that a listener dropped because its backlog was full. `null` and summed like
   * `timeWaitReused`.
   */
  readonly listenDrops: number | null;
  /** The TIME_WAITs at the end, by service, and by the side of the connection on which this host was. */
  readonly timeWaitGroups: readonly TimeWaitGroup[];
  /**
   * The connections when the load was over and its own connections still stood, by service and side, in every
   * state; the largest group first. Left out in a document of an older version.
   */
  readonly connectionGroups?: readonly ConnectionGroup[];
}

/** The series of a repetition: the n-th entry of each belongs to the n-th time. */
export interface Samples {
  /** Milliseconds since the load began, in steps of 10. */
  readonly timeMs: readonly Amount[];
  /** The series of each host; where the hosts share one table, the same under all three names. */
  readonly hosts: OfHosts<HostSeries>;
  /** What the backend has answered, at times of its own. */
  readonly answered: AnsweredSeries;
}

/** How many requests the backend had answered by each time. */
export interface AnsweredSeries {
  /** Milliseconds since the load began. */
  readonly timeMs: readonly Amount[];
  /** The backend's running total; the first entry is 0, and it never falls. */
  readonly requests: readonly Amount[];
}

/** The series of one host. */
export interface HostSeries {
  /**
   * Sockets in TIME_WAIT; in a shared table less those of others that stood there when the load began. Never
   * below 0.
   */
  readonly timeWait: readonly Amount[];
  /**
   * Established connections, including those from before the load (`CurrEstab`, RFC 4022); in a shared table
   * less those that stood before the gateway started.
   */
  readonly established: readonly Amount[];
  /** Connections opened since the load began. */
  readonly connectionsOpened: readonly Amount[];
}

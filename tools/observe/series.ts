/**
 * What was seen of the hosts of a lab while a load ran: one figure each, and their course over time.
 *
 * @module
 */

import type { Amount } from "../figures.ts";
import type { HostName } from "../scenario/host_names.ts";
import type { TimeWaitGroup } from "./tcp_table.ts";

/** What one host's TCP tables have shown between the start and the end of the load. */
export interface HostResult {
  /** The most sockets in TIME_WAIT at a time, beyond those there before. */
  readonly timeWaitPeak: Amount;
  /** Times that a socket entered TIME_WAIT. `null` in a host lab, where it cannot be told whose it was. */
  readonly timeWaitEntered: number | null;
  /** Connections that this host has opened. */
  readonly connectionsOpened: number;
  /** The most ephemeral ports in use at a time: open connections that this host had opened, and their TIME_WAITs. */
  readonly portsUsedPeak: Amount;
  /** TIME_WAIT sockets whose port a new connection took. `null` in a host lab; in a loopback lab that of all hosts. */
  readonly timeWaitReused: number | null;
  /** TIME_WAIT states thrown away for `tcp_max_tw_buckets`. As with `timeWaitReused`. */
  readonly timeWaitOverflowed: number | null;
  /** Connections that a full backlog has dropped. As with `timeWaitReused`. */
  readonly listenDrops: number | null;
  /** Who held the TIME_WAITs at the end: by service, and by the side of it that this host was on. */
  readonly timeWaitGroups: readonly TimeWaitGroup[];
}

/** The series of a repetition: the n-th entry of each belongs to the n-th time. */
export interface Samples {
  /** Milliseconds since the load began, in steps of 10. */
  readonly timeMs: readonly Amount[];
  /** Per host; in a host lab there is one table, and it stands under all three. */
  readonly hosts: Readonly<Record<HostName, HostSeries>>;
  /** What the backend has answered, on times of its own. */
  readonly answered: AnsweredSeries;
}

/** Requests that the backend has answered by a time. */
export interface AnsweredSeries {
  /** Milliseconds since the load began. */
  readonly timeMs: readonly Amount[];
  /** The backend's running total; the first entry is 0, and it never falls. */
  readonly requests: readonly Amount[];
}

/** The series of one host. */
export interface HostSeries {
  /** Sockets in TIME_WAIT beyond those of the first sample; never below 0. */
  readonly timeWait: readonly Amount[];
  /** Connections that stand, those from before the load included (`CurrEstab`, RFC 4022). */
  readonly established: readonly Amount[];
  /** Since the load began. */
  readonly connectionsOpened: readonly Amount[];
}

/**
 * A warning: what a reader must know before believing the figures, as data. The report finds the words.
 *
 * @module
 */

import type { Knob } from "../lab/knobs.ts";
import type { LoadErrors, LoadGenerator } from "../load/load.ts";
import type { UpstreamFailure } from "../observe/upstream_failures.ts";
import type { HostName } from "../scenario/host_names.ts";
import type { Forwarding } from "./forwarding.ts";
import type { Others } from "./others.ts";

/** In how many of a run's repetitions, or of all of them, something was seen. */
export interface Seen {
  /** Repetitions in which it was. */
  readonly repetitions: number;
  /** Repetitions that were looked at. */
  readonly of: number;
}

/** The figures of each kind of warning. A share is between 0 and 1. */
export interface WarningFigures {
  /** The bench was stopped before all was measured. */
  "interrupted": Record<never, never>;
  /**
   * All parties shared the machine's loopback. `reason` says why there was no private lab, where one was
   * wanted.
   */
  "host lab": { readonly reason?: string };
  /**
   * Measured on given hosts, where nothing is fresh; `notWatched` are the parties of which nothing is known.
   */
  "given hosts": { readonly notWatched: readonly HostName[] };
  /** A client was busy, so that its latencies are its own, and not the gateway's. */
  "client busy": Seen & {
    /** Which of them, from 1. */
    readonly client: number;
    /** How many there are. */
    readonly clients: number;
    /** What leads to it. */
    readonly prefix: string;
    /** The least of its machine's CPU time that was left over in a repetition. */
    readonly idleShare: number;
  };
  /** On given hosts, the machine of the gateway or of the backend was busy. */
  "machine busy": Seen & {
    /** Whose it is. */
    readonly party: "gateway" | "backend";
    /** The least of its CPU time that was left over in a repetition. */
    readonly idleShare: number;
  };
  /** autocannon stood in for wrk, or was asked for (then without a reason). */
  "autocannon": { readonly reason?: string };
  /**
   * In a host lab, connections are counted of which no socket of the bench was left. Both are medians of the
   * repetitions.
   */
  "opened by others": Others;
  /** A knob is not in force, or with another value than asked for. */
  "knob": Pick<Knob, "host" | "key" | "asked" | "inForce"> & {
    readonly isInForce: boolean;
    readonly reason: string;
  };
  /** Repetitions failed for one reason. */
  "failed repetitions": Seen & { readonly reason: string };
  /** Requests failed, in all repetitions together. */
  "failed requests": LoadErrors;
  /** The gateway answered requests by itself, or asked the backend more often than it was asked. */
  "forwarding": Forwarding;
  /**
   * Connections of a closed loop spent their time on something else than requests that were answered. The
   * figures are those of the repetition with the most of it.
   */
  "unanswered": Seen & {
    /** Requests on their way when the time was over, at least. */
    readonly unanswered: number;
    readonly connections: number;
    /** The share of the connections' time in no request that was answered. */
    readonly silentShare: number;
    /** The mean latency of the requests that were answered. */
    readonly meanLatencyUs: number;
    /** What it would be by Little's law: connections ÷ rate. */
    readonly expectedLatencyUs: number;
  };
  /**
   * Requests of an open loop waited for a connection. The figures are those of the repetition with the most
   * of it.
   */
  "connections too few": Seen & {
    readonly connections: number;
    /** Requests under way at a time, on average, by Little's law: rate × mean latency. */
    readonly underWay: number;
    readonly meanLatencyUs: number;
  };
  /**
   * Failures of connections in the gateway's log, in all repetitions together, each kind with its first
   * occurrence; the most frequent first.
   */
  "logged failures": { readonly failures: readonly UpstreamFailure[] };
  /**
   * The client's host had no port left for connections of the load generator, of which some failed. Both
   * counts of ports are those of the repetition with the most of them in use.
   */
  "client out of ports": Seen & {
    /** Ports of the client towards where the load went. */
    readonly ports: number;
    /** The most of them in use at a time. */
    readonly portsUsed: number;
    /** How many of them were held by the client's TIME_WAITs when the load was over. */
    readonly timeWait: number;
    /** Connects of the load generator that failed, in all repetitions of which this is said. */
    readonly failedConnects: number;
    /** Given hosts that shared the load; the ports are those of all. Left out in a lab of our own. */
    readonly clients?: number;
  };
  /** The gateway had opened connections before any load came; the most in a repetition. They do not count. */
  "opened at start": { readonly count: number };
  /** Connections of other programs stood before the gateway started; the most. They are taken off. */
  "stood before": { readonly count: number };
  /** A full backlog of the gateway dropped connections (ListenDrops). */
  "listen drops": { readonly count: number };
  /** TIME_WAITs were thrown away because `tcp_max_tw_buckets` was reached. */
  "time wait overflow": { readonly count: number };
  /** The run's load or backend is not the baseline's: their difference is not the gateway's alone. */
  "compared across options": { readonly baseline: string; readonly differs: readonly ("load" | "backend")[] };
  /** Others used the machine's CPUs. */
  "others": Seen & { readonly mostShare: number; readonly limitShare: number };
  /** The hypervisor gave CPU time to other virtual machines. */
  "steal": Seen & { readonly mostShare: number; readonly limitShare: number };
  /** The clock of the CPUs changes with the load. */
  "governor": { readonly governors: readonly string[] };
  /** The load generator was at its own limit. */
  "load at its limit": Seen & { readonly generator: LoadGenerator; readonly threads: number };
  /** The backend was at its limit. */
  "backend at its limit": Seen;
  /** All CPUs were busy. */
  "cpus full": Seen;
  /**
   * A small difference was asked for, or none was shown, where nearly all CPU time was used: such rates vary
   * more from one repetition to the next than the difference.
   */
  "saturated": {
    /** The CPU time left over, in the median of the repetitions of this run and of the baseline. */
    readonly idleShare: number;
    /** How wide the interval of the comparison is, as a share of the baseline. */
    readonly width: number;
  };
  /** The open loop took requests up late. */
  "requests late": { readonly late: number; readonly due: number };
  /** Requests of the open loop were never sent. */
  "requests unsent": { readonly unsent: number; readonly due: number };
  /** A repetition lies apart from the others. */
  "outlier": {
    /** Which one, from 1. */
    readonly repetition: number;
    readonly requestsPerSec: number;
    readonly medianRequestsPerSec: number;
    /** CPU time that others used meanwhile. Left out where that was not measured. */
    readonly othersShare?: number;
  };
}

/** The kinds of warnings. */
export type WarningKind = keyof WarningFigures;

/** One warning. */
export type Warning = {
  [K in WarningKind]: {
    /** What it is about. */
    readonly kind: K;
    /** The run's name. Left out for a warning about all of them. */
    readonly run?: string;
    /** What was seen. */
    readonly figures: WarningFigures[K];
  };
}[WarningKind];

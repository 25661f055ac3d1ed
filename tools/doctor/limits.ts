/**
 * Limits of the kernel and of processes that TIME_WAIT and its causes run into, and how near they are.
 *
 * @module
 */

import type { Capture } from "./capture.ts";
import { counterOf, type CounterRates } from "./watch.ts";

/** What is used of a limit. */
export interface Used {
  /** In use. */
  readonly used: number;
  /** The most there may be. */
  readonly limit: number;
}

/** The limits. */
export interface LimitsSeen {
  /** TIME_WAITs against `tcp_max_tw_buckets`. Left out where that cannot be read. */
  readonly timeWait?: Used;
  /** TIME_WAITs thrown away since the machine was booted, and during the watch. */
  readonly timeWaitOverflowed: Counted;
  /** Connections that met a full accept queue. */
  readonly listenOverflows: Counted;
  /** Tracked connections against `nf_conntrack_max`. Left out where nothing is tracked or read. */
  readonly conntrack?: Used;
  /** Processes by their open descriptors against their limit; the nearest to it first. */
  readonly descriptors: readonly (Used & { readonly pid: number; readonly name: string })[];
}

/** A counter's reading. */
export interface Counted {
  /** Since the network namespace began. */
  readonly inAll: number;
  /** During the watch; left out for a single reading. */
  readonly meanwhile?: number;
}

/** The limits of a capture. */
export function limitsOf({ readings, sysctls, processes }: Capture, rates?: CounterRates): LimitsSeen {
  const last = readings.at(-1)!;
  const counted = (name: string, meanwhile?: number): Counted => {
    return { inAll: counterOf(last, name), ...(meanwhile === undefined ? {} : { meanwhile }) };
  };
  const timeWait = usedOf(counterOf(last, "sockstat.TCP.tw"), sysctls["net.ipv4.tcp_max_tw_buckets"]);
  const tracked = Number(sysctls["net.netfilter.nf_conntrack_count"]);
  const conntrack = tracked > 0 ? usedOf(tracked, sysctls["net.netfilter.nf_conntrack_max"]) : undefined;
  return {
    ...(timeWait === undefined ? {} : { timeWait }),
    timeWaitOverflowed: counted("TcpExt.TCPTimeWaitOverflow", rates?.timeWaitOverflowed),
    listenOverflows: counted("TcpExt.ListenOverflows", rates?.listenOverflows),
    ...(conntrack === undefined ? {} : { conntrack }),
    descriptors: processes.flatMap(({ pid, name, descriptors, descriptorLimit }) =>
      descriptors === undefined || !(descriptorLimit! > 0)
        ? []
        : [{ pid, name, used: descriptors, limit: descriptorLimit! }]
    ).sort((a, b) => b.used / b.limit - a.used / a.limit),
  };
}

function usedOf(used: number, limit: string | undefined): Used | undefined {
  return Number(limit) > 0 ? { used, limit: Number(limit) } : undefined;
}

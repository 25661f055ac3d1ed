/**
 * How many ephemeral ports of a host are in use: the one formula for attribution, findings and plots.
 *
 * @module
 */

import type { HostName } from "../scenario/host_names.ts";
import type { TimeWaitGroup } from "./tcp_table.ts";

/** The sysctl that says which ports are ephemeral on a host. */
export const PORT_RANGE_FILE = "/proc/sys/net/ipv4/ip_local_port_range";

/** What it is where nobody has set it (ip-sysctl.rst). */
const DEFAULT_RANGE = "32768 60999";

/** The ephemeral ports of a host, by the text of {@linkcode PORT_RANGE_FILE}. */
export function countPorts(range: string = DEFAULT_RANGE): number {
  const [first, last] = range.trim().split(/\s+/).map(Number);
  return last! - first! + 1;
}

/** What a host's counters show at one time. */
export interface PortCounters {
  /** Sockets in TIME_WAIT. */
  readonly timeWait: number;
  /** Connections that stand, whichever side opened them. */
  readonly established: number;
}

/**
 * The ephemeral ports of a host in use at one time: connections that stand and that this host opened, and the
 * TIME_WAITs of such connections.
 *
 * The kernel does not count them by side. Every connection that the client holds to the gateway stands on the
 * gateway as well; the gateway opened the rest. The TIME_WAITs are divided as they were at the end of the
 * load.
 *
 * @param openedShare see {@linkcode openedShareOf}.
 */
export function portsUsed<H extends HostName>(
  host: H,
  counters: Readonly<Record<H | "client", PortCounters>>,
  openedShare: number,
): number {
  const { timeWait, established } = counters[host];
  const accepted = { client: 0, gateway: counters.client.established, backend: Infinity }[host];
  return timeWait * openedShare + Math.max(0, established - accepted);
}

/**
 * The share of a host's TIME_WAITs that hold an ephemeral port of it, because the host had opened the
 * connection; 1 where there are none.
 */
export function openedShareOf(groups: readonly TimeWaitGroup[]): number {
  const sumOf = (some: readonly TimeWaitGroup[]) => some.reduce((sum, group) => sum + group.timeWait, 0);
  const all = sumOf(groups);
  return all === 0 ? 1 : sumOf(groups.filter((group) => group.side === "opened")) / all;
}

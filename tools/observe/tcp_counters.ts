/**
 * The TCP counters of one host, read from `sockstat`, `snmp` and `netstat` in its /proc/net.
 *
 * @module
 */

/** The files that {@linkcode parseTcpCounters} takes, in its order. */
export const TCP_COUNTER_FILES = ["/proc/net/sockstat", "/proc/net/snmp", "/proc/net/netstat"] as const;

/**
 * One reading of a host's TCP state. The first two figures are the state now; the others count since the host
 * began.
 */
export interface TcpCounters {
  /** Sockets in TIME_WAIT now (`tw` of sockstat). */
  readonly timeWait: number;
  /**
   * Connections established now, or closed by the other side and not yet by this one (`CurrEstab`, RFC 4022).
   */
  readonly established: number;
  /** Connections that this host has opened (`ActiveOpens`, RFC 4022). */
  readonly connectionsOpened: number;
  /** Connections that this host has accepted (`PassiveOpens`, RFC 4022). */
  readonly connectionsAccepted: number;
  /** Connections that were refused, or reset before they were established (`AttemptFails`, RFC 4022). */
  readonly connectionsFailed: number;
  /** Segments sent, without retransmissions (`OutSegs`, RFC 4022). */
  readonly segmentsSent: number;
  /** How often a socket entered TIME_WAIT, even for a short stay (`TW` and `TWKilled` of netstat). */
  readonly timeWaitEntered: number;
  /** TIME_WAIT sockets whose port a new connection took (`TWRecycled`), which `tcp_tw_reuse` permits. */
  readonly timeWaitReused: number;
  /** TIME_WAIT states thrown away because `tcp_max_tw_buckets` was reached (`TCPTimeWaitOverflow`). */
  readonly timeWaitOverflowed: number;
  /** Connections that a listener dropped because its backlog was full (`ListenDrops`). */
  readonly listenDrops: number;
}

/**
 * Parses the three files.
 *
 * @throws {Error} when a counter is missing; the message names the counter.
 */
export function parseTcpCounters(sockstat: string, snmp: string, netstat: string): TcpCounters {
  const tcp = parseTable(snmp, "Tcp:");
  const ext = parseTable(netstat, "TcpExt:");
  const timeWait = /^TCP:.* tw (\d+)/m.exec(sockstat)?.[1];
  if (timeWait === undefined) throw new Error("/proc/net/sockstat has no count of TIME_WAIT sockets");
  return {
    timeWait: Number(timeWait),
    established: pick(tcp, "CurrEstab"),
    connectionsOpened: pick(tcp, "ActiveOpens"),
    connectionsAccepted: pick(tcp, "PassiveOpens"),
    connectionsFailed: pick(tcp, "AttemptFails"),
    segmentsSent: pick(tcp, "OutSegs"),
    timeWaitEntered: pick(ext, "TW") + pick(ext, "TWKilled"),
    timeWaitReused: pick(ext, "TWRecycled"),
    timeWaitOverflowed: pick(ext, "TCPTimeWaitOverflow"),
    listenDrops: pick(ext, "ListenDrops"),
  };
}

/**
 * How the counters rose between two readings. The two figures that are states are those of the later reading.
 */
export function counterDelta(before: TcpCounters, after: TcpCounters): TcpCounters {
  const entries = Object.entries(after) as [keyof TcpCounters, number][];
  const moved = entries.map(([name, value]) => [name, STATES_NOW.has(name) ? value : value - before[name]]);
  return Object.fromEntries(moved);
}

/** The counters of several hosts together; all 0 for none. */
export function addCounters(all: readonly TcpCounters[]): TcpCounters {
  const sum = (of: keyof TcpCounters) => all.reduce((total, one) => total + one[of], 0);
  return {
    timeWait: sum("timeWait"),
    established: sum("established"),
    connectionsOpened: sum("connectionsOpened"),
    connectionsAccepted: sum("connectionsAccepted"),
    connectionsFailed: sum("connectionsFailed"),
    segmentsSent: sum("segmentsSent"),
    timeWaitEntered: sum("timeWaitEntered"),
    timeWaitReused: sum("timeWaitReused"),
    timeWaitOverflowed: sum("timeWaitOverflowed"),
    listenDrops: sum("listenDrops"),
  };
}

const STATES_NOW: ReadonlySet<keyof TcpCounters> = new Set(["timeWait", "established"]);

/** snmp and netstat consist of pairs of lines: `Group: name name…` and below it `Group: value value…`. */
function parseTable(text: string, group: string): Map<string, number> {
  const [names, values] = text.split("\n").filter((line) => line.startsWith(`${group} `)).map((line) =>
    line.split(" ")
  );
  return new Map(names?.map((name, i) => [name, Number(values?.[i])]));
}

function pick(table: Map<string, number>, name: string): number {
  const value = table.get(name);
  if (value === undefined || Number.isNaN(value)) throw new Error(`this kernel does not count ${name}`);
  return value;
}

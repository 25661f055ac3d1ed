/**
 * The full table of a host's TCP sockets, /proc/net/tcp: one line for each socket, including those in
 * TIME_WAIT. Reading the table takes some 100 ms with 28,000 sockets, so a repetition reads it before and
 * after the load, and not in between.
 *
 * @module
 */

import type { Count } from "../figures.ts";

/** The files that hold the table. The second one also holds the IPv4 connections of dual-stack sockets. */
export const TCP_TABLE_FILES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;

/** The states that Timewait looks for, as the table writes them (include/net/tcp_states.h). */
export const TCP_STATES = { established: "01", timeWait: "06", closeWait: "08", listen: "0A" } as const;

/**
 * What each state of the table counts as in a {@linkcode ConnectionGroup}. A socket that listens is no
 * connection, and one in CLOSE is not any more.
 */
const COUNTED_AS: Readonly<Record<string, keyof ConnectionStates>> = {
  "01": "established",
  "02": "opening", // SYN_SENT
  "03": "opening", // SYN_RECV
  "04": "closing", // FIN_WAIT1
  "05": "finWait2",
  "06": "timeWait",
  "08": "closeWait",
  "09": "closing", // LAST_ACK
  "0B": "closing", // CLOSING
  "0C": "opening", // NEW_SYN_RECV
};

/** One socket. */
export interface TcpSocket {
  /** IPv4 with dots, or IPv6 in brackets; `0.0.0.0` or `[::]` for a socket that is bound to every address. */
  readonly localAddress: string;
  /**
   * The port on this host: an ephemeral port where this host opened the connection, else that of the service.
   */
  readonly localPort: number;
  /** Written like `localAddress`; all zeros for a socket that listens. */
  readonly remoteAddress: string;
  /** The port at the other end; 0 for a socket that listens. */
  readonly remotePort: number;
  /** Two hexadecimal digits; see {@linkcode TCP_STATES}. */
  readonly state: string;
}

/**
 * Parses the table from either of the two files. Lines that are no sockets are passed over.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseTcpTable, TCP_STATES } from "./tcp_table.ts";
 *
 * const [socket] = parseTcpTable("   0: 0100007F:1F90 0100007F:D431 06 00000000:00000000 03:00001766");
 * assertEquals(socket, {
 *   localAddress: "127.0.0.1",
 *   localPort: 8080,
 *   remoteAddress: "127.0.0.1",
 *   remotePort: 54321,
 *   state: TCP_STATES.timeWait,
 * });
 * ```
 */
export function parseTcpTable(text: string): TcpSocket[] {
  const sockets: TcpSocket[] = [];
  for (
    const match of text.matchAll(
      /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /gm,
    )
  ) {
    sockets.push({
      localAddress: parseAddress(match[1]!),
      localPort: parseInt(match[2]!, 16),
      remoteAddress: parseAddress(match[3]!),
      remotePort: parseInt(match[4]!, 16),
      state: match[5]!,
    });
  }
  return sockets;
}

/**
 * TIME_WAIT sockets of a host that belong together: to the same service, and on the same side of the
 * connection.
 */
export interface TimeWaitGroup {
  /**
   * `opened` where this host had opened the connections, so that each holds an ephemeral port of this host;
   * else `accepted`.
   */
  readonly side: "opened" | "accepted";
  /** The service: the address and port to which the connections went. */
  readonly service: string;
  /** How many sockets of the group were in TIME_WAIT when the table was read; at least 1. */
  readonly timeWait: Count;
}

/**
 * Groups the TIME_WAIT sockets of a table by service and side. `servicePorts` are the ports on which the
 * lab's parties listen.
 */
export function groupTimeWait(
  sockets: readonly TcpSocket[],
  servicePorts: ReadonlySet<number>,
): TimeWaitGroup[] {
  return groupConnections(sockets.filter(({ state }) => state === TCP_STATES.timeWait), servicePorts)
    .map(({ side, service, timeWait }) => ({ side, service, timeWait }))
    .sort((a, b) => b.timeWait - a.timeWait);
}

/**
 * Groups the connections of a table by service and side, with all their states; the largest group first.
 * `servicePorts` are the ports on which the lab's parties listen. Sockets that listen are left out.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { groupConnections, parseTcpTable } from "./tcp_table.ts";
 *
 * const sockets = parseTcpTable(`
 *    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000
 *    1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000
 *    2: 0100007F:D431 0100007F:1F90 08 00000000:00000000 00:00000000`);
 * const groups = groupConnections(sockets, new Set([8080]));
 * assertEquals(groups.map(({ side, established, closeWait }) => [side, established, closeWait]), [
 *   ["accepted", 1, 0],
 *   ["opened", 0, 1],
 * ]);
 * ```
 */
export function groupConnections(
  sockets: readonly TcpSocket[],
  servicePorts: ReadonlySet<number>,
): ConnectionGroup[] {
  const groups = new Map<string, CountedGroup>();
  for (const { state, localAddress, localPort, remoteAddress, remotePort } of sockets) {
    const countedAs = COUNTED_AS[state];
    const accepted = servicePorts.has(localPort);
    if (countedAs === undefined || (!accepted && !servicePorts.has(remotePort))) continue;
    const side = accepted ? "accepted" : "opened";
    const service = accepted ? `${localAddress}:${localPort}` : `${remoteAddress}:${remotePort}`;
    const key = `${side} ${service}`;
    const group = groups.get(key) ?? { side, service, ...NO_CONNECTION };
    group[countedAs]++;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => connectionsIn(b) - connectionsIn(a));
}

/** How many connections a group has, in whatever state. */
export function connectionsIn(group: ConnectionStates): number {
  return group.opening + group.established + group.closeWait + group.closing + group.finWait2 +
    group.timeWait;
}

type CountedGroup = { -readonly [K in keyof ConnectionGroup]: ConnectionGroup[K] };

const NO_CONNECTION: ConnectionStates = {
  opening: 0,
  established: 0,
  closeWait: 0,
  closing: 0,
  finWait2: 0,
  timeWait: 0,
};

/** How many connections are in each state. */
export type ConnectionStates = Omit<ConnectionGroup, "side" | "service">;

/**
 * The connections of a host to one service, from one side: how many are in each state of RFC 9293.
 */
export interface ConnectionGroup {
  /**
   * `opened` where this host had opened them, so that each holds an ephemeral port of it; else `accepted`.
   */
  readonly side: TimeWaitGroup["side"];
  /** The service: the address and port to which the connections went. */
  readonly service: string;
  /** On their way to be established, from either side: SYN_SENT and SYN_RECEIVED. */
  readonly opening: Count;
  /** Established. */
  readonly established: Count;
  /** Closed by the other end, and not yet by the program here: many of them are a leak of that program. */
  readonly closeWait: Count;
  /**
   * Closed here, which the other end's kernel has not confirmed, or closed by both: FIN_WAIT1, CLOSING,
   * LAST_ACK.
   */
  readonly closing: Count;
  /** Closed here, which the program at the other end has not followed: it holds a CLOSE_WAIT. */
  readonly finWait2: Count;
  /** Closed, here first. */
  readonly timeWait: Count;
}

/** Whether something listens on the port. */
export function listens(sockets: readonly TcpSocket[], port: number): boolean {
  return sockets.some((socket) => socket.state === TCP_STATES.listen && socket.localPort === port);
}

/**
 * Converts an address of the table to the form that people write. The table holds each 32-bit word in the
 * byte order of the machine, which is little-endian wherever Deno runs. An IPv4 address within an IPv6 one
 * becomes plain IPv4.
 */
function parseAddress(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => word.match(/../g)!.reverse().map((byte) => parseInt(byte, 16)));
  if (bytes.length === 4) return bytes.join(".");
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return `[${groups.join(":").replace(/\b0(:0)+\b/, ":").replace(/:{3,}/, "::")}]`;
}

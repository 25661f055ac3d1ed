/**
 * The full table of a host's TCP sockets, /proc/net/tcp: one line a socket, TIME_WAIT included. Reading it takes
 * some 100 ms with 28,000 sockets, so it is read once, at the end of a repetition.
 *
 * @module
 */

import type { Count } from "../figures.ts";

/** The files that hold the table. An IPv4 connection of a dual-stack socket stands in the second. */
export const TCP_TABLE_FILES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;

/** The states that we ask for, by their number in the table (include/net/tcp_states.h). */
export const TCP_STATES = { established: "01", timeWait: "06", listen: "0A" } as const;

/** One socket. */
export interface TcpSocket {
  /** Dotted IPv4, or IPv6 in brackets; `0.0.0.0` or `[::]` for a socket that is bound to every address. */
  readonly localAddress: string;
  /** The port on this host: an ephemeral one where it opened the connection, else the service's. */
  readonly localPort: number;
  /** Written like `localAddress`; all zeros for a socket that listens. */
  readonly remoteAddress: string;
  /** The port at the other end; 0 for a socket that listens. */
  readonly remotePort: number;
  /** Two hexadecimal digits; see {@linkcode TCP_STATES}. */
  readonly state: string;
}

/**
 * Parses the table, whichever of the two files it is from. Lines that are not sockets are passed over.
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

/** TIME_WAIT sockets of a host that belong together: the same service, seen from the same side. */
export interface TimeWaitGroup {
  /** `opened` where this host had opened the connections, so each holds an ephemeral port of it; else `accepted`. */
  readonly side: "opened" | "accepted";
  /** The service: the address and port that was connected to. */
  readonly service: string;
  /** How many sockets of the group were in TIME_WAIT when the table was read; at least 1. */
  readonly timeWait: Count;
}

/** Groups the TIME_WAIT sockets of a table by service and side. `servicePorts` are the ports that the lab listens on. */
export function groupTimeWait(
  sockets: readonly TcpSocket[],
  servicePorts: ReadonlySet<number>,
): TimeWaitGroup[] {
  const counts = new Map<string, number>();
  for (const socket of sockets) {
    if (socket.state !== TCP_STATES.timeWait) continue;
    const accepted = servicePorts.has(socket.localPort);
    if (!accepted && !servicePorts.has(socket.remotePort)) continue;
    const service = accepted
      ? `${socket.localAddress}:${socket.localPort}`
      : `${socket.remoteAddress}:${socket.remotePort}`;
    const key = `${accepted ? "accepted" : "opened"} ${service}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, timeWait]) => {
    const [side, service] = key.split(" ") as [TimeWaitGroup["side"], string];
    return { side, service, timeWait };
  }).sort((a, b) => b.timeWait - a.timeWait);
}

/** Whether something listens on the port. */
export function listens(sockets: readonly TcpSocket[], port: number): boolean {
  return sockets.some((socket) => socket.state === TCP_STATES.listen && socket.localPort === port);
}

/**
 * An address of the table as people write it. The table holds each 32-bit word in the machine's byte order, which
 * is little-endian wherever Deno runs. An IPv4 address within IPv6 is written as IPv4.
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

/**
 * Waits until a host that is given, where nothing is fresh, has ports to start with.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { Host } from "../lab/host.ts";
import { countPorts, PORT_RANGE_FILE } from "./ports_used.ts";
import { parseTcpTable, TCP_STATES, TCP_TABLE_FILES, type TcpSocket } from "./tcp_table.ts";

/** The share of the ephemeral port range that may stand in TIME_WAIT when a repetition starts. */
export const QUIET_SHARE = 0.01;

/** Longest wait, in milliseconds: a TIME_WAIT lasts 60 s (TCP_TIMEWAIT_LEN in include/net/tcp.h). */
const QUIET_LIMIT_MS = 61_000;

/** Time between two looks, in milliseconds. */
const LOOK_MS = 1_000;

/** Whose TIME_WAITs are waited for. */
export interface UntilQuietOptions {
  /** The host that is going to open connections: that of the gateway, or of a load. */
  readonly host: Host;
  /**
   * The port to which it opens them; `undefined` where nobody has said it, and all that it has opened count.
   */
  readonly port: number | undefined;
  /** The share of its ports that may stand in TIME_WAIT. Default {@linkcode QUIET_SHARE}. */
  readonly share?: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Called once, where there is something to wait for. */
  readonly onWait?: (seen: QuietSeen) => void;
  /** Longest wait, in milliseconds. Default 61 s, after which no TIME_WAIT of before is left. */
  readonly limitMs?: number;
}

/** What was seen. */
export interface QuietSeen {
  /** Sockets in TIME_WAIT towards the port. */
  readonly timeWait: number;
  /** How many there may be. */
  readonly most: number;
  /** Time waited so far, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * Waits until the TIME_WAITs of a host towards a port take no more than a share of its ephemeral ports, at
 * most 61 s. Those that stand then are made meanwhile, by somebody who uses the gateway.
 *
 * @returns what was seen last; `timeWait` above `most` where it has not become quiet.
 * @throws the reason of the signal.
 */
export async function untilQuiet(
  { host, port, share = QUIET_SHARE, signal, onWait, limitMs = QUIET_LIMIT_MS }: UntilQuietOptions,
): Promise<QuietSeen> {
  const startMs = performance.now();
  for (let looks = 0;; looks++) {
    const [range, ...tables] = await host.readProc(PORT_RANGE_FILE, ...TCP_TABLE_FILES);
    const timeWait = waitsTowards(port, tables.flatMap((text) => parseTcpTable(text ?? "")));
    const waitedMs = Math.round(performance.now() - startMs);
    const seen = { timeWait, most: Math.floor(countPorts(range) * share), waitedMs };
    if (timeWait <= seen.most || waitedMs >= limitMs) return seen;
    if (looks === 0) onWait?.(seen);
    await delay(LOOK_MS, { signal });
  }
}

/** The TIME_WAITs of connections that a host had opened, to one port or to any. */
function waitsTowards(port: number | undefined, sockets: readonly TcpSocket[]): number {
  const waits = sockets.filter(({ state }) => state === TCP_STATES.timeWait);
  if (port !== undefined) return waits.filter(({ remotePort }) => remotePort === port).length;
  const listening = new Set(
    sockets.filter(({ state }) => state === TCP_STATES.listen).map(({ localPort }) => localPort),
  );
  return waits.filter(({ localPort }) => !listening.has(localPort)).length;
}

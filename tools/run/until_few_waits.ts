/**
 * The wait before a repetition on given hosts, where nothing is fresh: until TIME_WAITs of the one before are
 * gone.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { readSysctls } from "../lab/knobs.ts";
import type { RemoteHost } from "../lab/remote/remote_host.ts";
import type { RemoteLab } from "../lab/remote/remote_lab.ts";
import { parseTcpTable, TCP_STATES, TCP_TABLE_FILES } from "../observe/tcp_table.ts";
import { portRange } from "../verdict/ports.ts";

/** Longest wait, in milliseconds: a TIME_WAIT stands 60 s on Linux. */
const LONGEST_WAIT_MS = 61_000;

/** How often it is looked, in milliseconds. */
const LOOK_MS = 2_000;

/** So few of the gateway's ports towards the backend may still be held by TIME_WAITs. */
const SHARE_OF_GATEWAY = 0.01;

/** So many of a client's ports towards the gateway may be held, those of the load that follows among them. */
const SHARE_OF_CLIENT = 0.5;

/** What comes next, and where it goes. */
export interface NextLoad {
  /**
   * The port of the backend; `undefined` where nobody has said it: all connections that were opened count.
   */
  readonly backendPort: number | undefined;
  /** The port to which the load goes. */
  readonly targetPort: number;
  /** Connections that each client will open, its warm-up's among them, at the most. */
  readonly connections: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * Waits until the gateway's TIME_WAITs towards the backend are under 1% of its ports, and until each client
 * has ports for what follows; at most 61 s.
 *
 * @returns how long it waited, in milliseconds.
 */
export async function untilFewWaits(lab: RemoteLab, next: NextLoad): Promise<number> {
  const { backendPort, targetPort, connections, signal } = next;
  const startMs = performance.now();
  const looks = [
    ...(lab.gateway === undefined
      ? []
      : [{ host: lab.gateway, port: backendPort, most: (ports: number) => SHARE_OF_GATEWAY * ports }]),
    ...lab.clients.map((host) => ({
      host,
      port: targetPort,
      most: (ports: number) => SHARE_OF_CLIENT * ports - connections,
    })),
  ];
  for (const { host, port, most } of looks) {
    const [text] = await readSysctls(host, ["net.ipv4.ip_local_port_range"]);
    // A load that takes more than its share anyhow waits for nothing.
    const fewest = Math.max(0, most(portRange(text ?? undefined)?.count ?? DEFAULT_PORTS));
    while (performance.now() - startMs < LONGEST_WAIT_MS && await waitsTowards(host, port) > fewest) {
      await delay(LOOK_MS, { signal });
    }
  }
  return performance.now() - startMs;
}

/** The ports of the kernel's default range. */
const DEFAULT_PORTS = 28_232;

/** The TIME_WAITs of connections that a host had opened, to one port or to any. */
async function waitsTowards(host: RemoteHost, port: number | undefined): Promise<number> {
  const [sockstat] = await host.readProc("/proc/net/sockstat");
  // The table of all sockets costs more to read, and is read only where it matters.
  if (/^TCP:.* tw 0 /m.test(sockstat ?? "")) return 0;
  const sockets = (await host.readProc(...TCP_TABLE_FILES)).flatMap((text) => parseTcpTable(text ?? ""));
  const listening = new Set(
    sockets.flatMap(({ state, localPort }) => state === TCP_STATES.listen ? [localPort] : []),
  );
  return sockets.filter(({ state, localPort, remotePort }) =>
    state === TCP_STATES.timeWait && (port === undefined ? !listening.has(localPort) : remotePort === port)
  ).length;
}

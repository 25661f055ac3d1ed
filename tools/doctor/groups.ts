/**
 * The sockets of one reading, grouped: connections that this host opened by where they go, connections that
 * it accepted by the port that they came to.
 *
 * @module
 */

import { TIME_WAIT_SEC } from "../verdict/port_forecast.ts";
import { type SocketTable, STATE } from "./socket_table.ts";

/** Sockets by their states (RFC 9293), those that are alike together. */
export interface StateCounts {
  /** On their way to be established, from either side: SYN_SENT and SYN_RECEIVED. */
  opening: number;
  /** Established. */
  established: number;
  /** Closed by the other end, and not yet by the program here. */
  closeWait: number;
  /** Closed here, which the other end's kernel has not confirmed, or closed by both. */
  closing: number;
  /** Closed here, which the program at the other end has not followed. */
  finWait2: number;
  /** Closed, here first. */
  timeWait: number;
}

/** Connections that belong together. */
export interface SocketGroup {
  /** `opened` where this host opened them, so that each holds an ephemeral port of it; else `accepted`. */
  readonly side: "opened" | "accepted";
  /**
   * Where they go: `ADDRESS:PORT` for those opened; the port that listens here, `:PORT`, for those accepted.
   */
  readonly service: string;
  /** Whether they stay on this machine: a 127/8 address, or ::1. */
  readonly loopback: boolean;
  /** How many there are in each state. */
  readonly states: StateCounts;
  /** Of those opened, the ports that each source address holds. Empty for those accepted. */
  readonly portsBySource: ReadonlyMap<string, number>;
  /**
   * TIME_WAITs by their age: the first counts those made less than a second before the reading, the last
   * those made 59 to 60 s before it. A TIME_WAIT that was reused or thrown away is not there any more.
   */
  readonly madeAgo: readonly number[];
  /** The sockets that are established, by number. */
  readonly establishedInodes: readonly number[];
  /** Those in CLOSE_WAIT. */
  readonly closeWaitInodes: readonly number[];
  /** Those in FIN_WAIT2 that a program still holds. */
  readonly finWait2Inodes: readonly number[];
}

/** A socket that listens. */
export interface ListeningSocket {
  /** Where it listens; `0.0.0.0` or `[::]` for every address. */
  readonly address: string;
  /** The port. */
  readonly port: number;
  /** Connections that wait to be accepted. */
  readonly queue: number;
  /** Its number. */
  readonly inode: number;
}

/** A reading's sockets, grouped. */
export interface GroupedSockets {
  /** The largest first. */
  readonly groups: readonly SocketGroup[];
  /** Sockets that listen. */
  readonly listening: readonly ListeningSocket[];
  /** Per source address, ports that go to more than one destination. */
  readonly sharedPorts: ReadonlyMap<string, number>;
}

/** Ephemeral ports, both ends included. */
export interface EphemeralRange {
  /** The lowest. */
  readonly first: number;
  /** The highest. */
  readonly last: number;
}

const KIND: Readonly<Record<number, keyof StateCounts>> = {
  [STATE.established]: "established",
  [STATE.synSent]: "opening",
  [STATE.synReceived]: "opening",
  [STATE.newSynReceived]: "opening",
  [STATE.finWait1]: "closing",
  [STATE.closing]: "closing",
  [STATE.lastAck]: "closing",
  [STATE.finWait2]: "finWait2",
  [STATE.timeWait]: "timeWait",
  [STATE.closeWait]: "closeWait",
};

/** The timer of the table counts hundredths of a second, whatever the kernel's own clock (USER_HZ). */
const TICKS_PER_SEC = 100;

interface OpenGroup extends SocketGroup {
  readonly portsBySource: Map<string, number>;
  readonly madeAgo: number[];
  readonly establishedInodes: number[];
  readonly closeWaitInodes: number[];
  readonly finWait2Inodes: number[];
}

/**
 * Groups the sockets of a reading. A connection came in where its local port is one that listens; a port that
 * nobody listens on any more counts as one where it lies outside of the ephemeral range and the other end's
 * lies within.
 */
export function groupSockets(table: SocketTable, range: EphemeralRange): GroupedSockets {
  const listening = listeningIn(table);
  const listens = new Set(listening.map(({ port }) => port));
  const isEphemeral = (port: number) => port >= range.first && port <= range.last;
  const groups = new Map<number, OpenGroup>();
  const destinationsOf = new Map<number, number>();
  const shared = new Map<string, Set<number>>();
  for (let i = 0; i < table.count; i++) {
    const kind = KIND[table.state[i]!];
    if (kind === undefined) continue;
    const localPort = table.localPort[i]!;
    const remotePort = table.remotePort[i]!;
    const accepted = listens.has(localPort) || (!isEphemeral(localPort) && isEphemeral(remotePort));
    const remote = table.remoteAddress[i]!;
    // Two numbers in one: an address has fewer than 2^32 indices, a port has 16 bits.
    const key = accepted ? -1 - localPort : remote * 65_536 + remotePort;
    let group = groups.get(key);
    if (group === undefined) {
      const address = table.addresses[accepted ? table.localAddress[i]! : remote]!;
      groups.set(key, group = emptyGroup(accepted, address, accepted ? localPort : remotePort));
    }
    group.states[kind]++;
    if (kind === "timeWait") {
      const age = TIME_WAIT_SEC - table.timerTicks[i]! / TICKS_PER_SEC;
      const second = Math.min(TIME_WAIT_SEC - 1, Math.max(0, Math.floor(age)));
      group.madeAgo[second] = group.madeAgo[second]! + 1;
    } else if (kind === "established") group.establishedInodes.push(table.inode[i]!);
    else if (kind === "closeWait") group.closeWaitInodes.push(table.inode[i]!);
    else if (kind === "finWait2" && table.inode[i]! > 0) group.finWait2Inodes.push(table.inode[i]!);
    if (accepted) continue;
    const local = table.localAddress[i]!;
    const source = table.addresses[local]!;
    group.portsBySource.set(source, (group.portsBySource.get(source) ?? 0) + 1);
    const sourcePort = local * 65_536 + localPort;
    const other = destinationsOf.get(sourcePort);
    if (other === undefined) destinationsOf.set(sourcePort, key);
    else if (other !== key) shared.set(source, (shared.get(source) ?? new Set()).add(localPort));
  }
  return {
    groups: [...groups.values()].sort((a, b) => socketsOf(b.states) - socketsOf(a.states)),
    listening,
    sharedPorts: new Map([...shared].map(([source, ports]) => [source, ports.size])),
  };
}

/**
 * Local ports of connections that this host seems to have opened, whatever its range: nothing listens on
 * them, and each has few connections. A port that served many has had a listener that is gone.
 */
export function openedPortsIn(table: SocketTable | undefined): number[] {
  if (table === undefined) return [];
  const listens = new Set(listeningIn(table).map(({ port }) => port));
  const connections = new Map<number, number>();
  for (let i = 0; i < table.count; i++) {
    if (table.state[i] === STATE.listen) continue;
    connections.set(table.localPort[i]!, (connections.get(table.localPort[i]!) ?? 0) + 1);
  }
  const most = Math.max(2, table.count / 50);
  return [...connections].filter(([port, count]) => !listens.has(port) && count <= most).map(([port]) =>
    port
  );
}

/** All sockets of a group. */
export function socketsOf(states: StateCounts): number {
  return Object.values(states).reduce((sum: number, count: number) => sum + count, 0);
}

function emptyGroup(accepted: boolean, address: string, port: number): OpenGroup {
  return {
    side: accepted ? "accepted" : "opened",
    service: accepted ? `:${port}` : `${address}:${port}`,
    loopback: address.startsWith("127.") || address === "[::1]",
    states: { opening: 0, established: 0, closeWait: 0, closing: 0, finWait2: 0, timeWait: 0 },
    portsBySource: new Map(),
    madeAgo: new Array(TIME_WAIT_SEC).fill(0),
    establishedInodes: [],
    closeWaitInodes: [],
    finWait2Inodes: [],
  };
}

function listeningIn(table: SocketTable): ListeningSocket[] {
  const listening: ListeningSocket[] = [];
  for (let i = 0; i < table.count; i++) {
    if (table.state[i] !== STATE.listen) continue;
    listening.push({
      address: table.addresses[table.localAddress[i]!]!,
      port: table.localPort[i]!,
      queue: table.receiveQueue[i]!,
      inode: table.inode[i]!,
    });
  }
  return listening.sort((a, b) => a.port - b.port);
}

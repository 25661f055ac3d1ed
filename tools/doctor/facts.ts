/**
 * What a capture shows, as data: a pure function of it. Causes are made of these facts, and words of both.
 *
 * @module
 */

import { guessProduct } from "../verdict/products.ts";
import type { Capture, CapturedProcess, Note, OtherNamespace } from "./capture.ts";
import { type Closers, closersOf, type LastMinute, lastMinuteOf } from "./closers.ts";
import {
  type GroupedSockets,
  groupSockets,
  openedPortsIn,
  type SocketGroup,
  type StateCounts,
} from "./groups.ts";
import { type LivesSeen, livesSeen } from "./lives.ts";
import { limitsOf, type LimitsSeen } from "./limits.ts";
import {
  outlookOf,
  type PortOutlook,
  usableByPortsInUse,
  type UsablePorts,
  usablePortsOf,
} from "./usable_ports.ts";
import { type CounterRates, inAll, type PoolSeen, poolSeen, ratesOf } from "./watch.ts";

/** What a capture shows. */
export interface Facts {
  /** Seconds between the first and the last reading; 0 for one. */
  readonly watchedSec: number;
  /** Left out for a single reading. */
  readonly rates?: CounterRates;
  /** Who ends the connections of each side. Left out for a single reading. */
  readonly closers?: Readonly<Record<SocketGroup["side"], Closers>>;
  /** Connections that were closed here first during the last minute, by the last reading. */
  readonly lastMinute: LastMinute;
  /** How long connections that this host opens live. Left out where not every reading holds the table. */
  readonly lives?: LivesSeen;
  /** Which ports a new connection may get. */
  readonly usable: UsablePorts;
  /** Where this host opens connections to; the one that holds most ports first. */
  readonly destinations: readonly Destination[];
  /** The ports on which this host accepts connections; the one with most sockets first. */
  readonly listeners: readonly Listener[];
  /** The program that is looked at: the one asked for, or the listener that opens most connections. */
  readonly program?: ProgramSeen;
  /** All sockets by state, those that listen left out. */
  readonly states: StateCounts;
  /** Source addresses whose local ports are not shared by destinations, as after bind before connect. */
  readonly boundSources: readonly string[];
  /** Limits of kernel and processes, and how near they are. */
  readonly limits: LimitsSeen;
  /** What could not be read. */
  readonly notes: readonly Note[];
  /** Other network namespaces of the machine. */
  readonly others: readonly OtherNamespace[];
}

/** Connections of one group, whichever side opened them. */
export interface Connections {
  /** By state, in the last reading. */
  readonly states: StateCounts;
  /** TIME_WAITs by age in seconds, the youngest first. */
  readonly madeAgo: readonly number[];
  /** TIME_WAITs made a second, over the last {@linkcode RECENT_SEC} seconds or the watch. */
  readonly madePerSec: number;
  /** Established connections over the watch. */
  readonly pool: PoolSeen;
  /** Connections in CLOSE_WAIT in the first reading and in the last. 0 for a single reading. */
  readonly stuckInCloseWait: number;
  /** The processes that hold the sockets, the largest holder first; empty where that may not be seen. */
  readonly owners: readonly Owner[];
}

/** A process that holds sockets. */
export interface Owner {
  /** Its id. */
  readonly pid: number;
  /** Its name. */
  readonly name: string;
  /** Sockets that it holds. */
  readonly sockets: number;
}

/** Connections that this host opened to one place. */
export interface Destination extends Connections {
  /** `ADDRESS:PORT`. */
  readonly service: string;
  /** Whether it is on this machine's loopback. */
  readonly loopback: boolean;
  /** The source address that holds most ports towards it. */
  readonly source: string;
  /** Source addresses. */
  readonly sources: number;
  /** Ports that `source` holds towards it. */
  readonly portsUsed: number;
  /** What becomes of the ports of `source`. */
  readonly outlook: PortOutlook;
  /** Whether a new connection may take the port of a TIME_WAIT that is a second old (tcp_tw_reuse). */
  readonly reusable: boolean;
}

/** A port on which this host accepts connections. */
export interface Listener extends Connections {
  /** The port. */
  readonly port: number;
  /** Whether something listens there still. */
  readonly listening: boolean;
  /** Connections that wait to be accepted, over all sockets that listen on the port. */
  readonly queue: number;
}

/** A program, and what is guessed of it. */
export interface ProgramSeen {
  /** Its process id. */
  readonly pid: number;
  /** Its name. */
  readonly name: string;
  /** Its command line, as far as it is in the capture. */
  readonly command: string;
  /** Its product by its id in products.ts. Left out where nothing gives it away. */
  readonly product?: string;
}

/**
 * The rate of TIME_WAITs is that of this time before the last reading, in seconds, or of the watch if
 * shorter.
 */
export const RECENT_SEC = 10;

/**
 * Works out what a capture shows.
 *
 * @returns `undefined` where it holds no reading: its notes say why.
 */
export function factsOf(capture: Capture): Facts | undefined {
  const { readings, sysctls, processes, notes, others } = capture;
  const tables = readings.map(({ sockets }) => sockets).filter((sockets) => sockets !== undefined);
  const usable = usableByPortsInUse(usablePortsOf(sysctls), openedPortsIn(tables.at(-1)));
  const each = tables.map((table) => groupSockets(table, usable));
  const last = each.at(-1);
  if (last === undefined) return undefined;
  const rates = ratesOf(capture);
  const ownerOf = ownersIn(processes);
  const of = (side: SocketGroup["side"]) => last.groups.filter((group) => group.side === side);
  const watchedSec = readings.at(-1)!.uptimeSec - readings[0]!.uptimeSec;
  const connections = (group: SocketGroup) => connectionsOf(group, each, ownerOf, watchedSec);
  const destinations = of("opened").map((group) => destinationOf(group, connections(group), usable, sysctls))
    .sort((a, b) => b.portsUsed - a.portsUsed);
  const listeners = listenersOf(last, connections, ownerOf);
  const program = programOf(capture, last, destinations, ownerOf);
  return {
    watchedSec,
    ...(rates === undefined ? {} : { rates, closers: closersOf(rates, each) }),
    lastMinute: lastMinuteOf(last),
    ...(tables.length < readings.length ? {} : { lives: livesSeen(each.map(openedInodes)) }),
    usable,
    destinations,
    listeners,
    ...(program === undefined ? {} : { program }),
    states: sumOf(last.groups.map(({ states }) => states)),
    boundSources: boundSourcesOf(last, usable.count),
    limits: limitsOf(capture, rates),
    notes,
    others,
  };
}

function connectionsOf(
  group: SocketGroup,
  readings: readonly GroupedSockets[],
  ownerOf: ReadonlyMap<number, CapturedProcess>,
  watchedSec: number,
): Connections {
  const same = readings.map(({ groups }) =>
    groups.find(({ side, service }) => side === group.side && service === group.service)
  );
  return {
    states: group.states,
    madeAgo: group.madeAgo,
    madePerSec: madePerSecOf(group.madeAgo, watchedSec),
    pool: poolSeen(same.map((one) => one?.establishedInodes ?? [])),
    stuckInCloseWait: same.length < 2 ? 0 : inAll([same[0]?.closeWaitInodes ?? [], group.closeWaitInodes]),
    owners: ownersOf(
      [...group.establishedInodes, ...group.closeWaitInodes, ...group.finWait2Inodes],
      ownerOf,
    ),
  };
}

/** The numbers of the sockets that this host opened and that are established. */
function openedInodes({ groups }: GroupedSockets): number[] {
  return groups.flatMap(({ side, establishedInodes }) => side === "opened" ? establishedInodes : []);
}

function ownersOf(inodes: readonly number[], ownerOf: ReadonlyMap<number, CapturedProcess>): Owner[] {
  const counts = new Map<CapturedProcess, number>();
  for (const inode of inodes) {
    const owner = ownerOf.get(inode);
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  return [...counts].map(([{ pid, name }, sockets]) => ({ pid, name, sockets }))
    .sort((a, b) => b.sockets - a.sockets);
}

/**
 * The recent rate; over a shorter time where the oldest TIME_WAIT is younger: the load has just begun then.
 */
function madePerSecOf(madeAgo: readonly number[], watchedSec: number): number {
  const oldest = madeAgo.findLastIndex((count) => count > 0);
  // What went on only ahead of the watch is over.
  const recent = watchedSec < 2 ? RECENT_SEC : Math.min(RECENT_SEC, Math.floor(watchedSec));
  const seconds = Math.min(recent, oldest + 1);
  return seconds === 0 ? 0 : madeAgo.slice(0, seconds).reduce((sum, count) => sum + count, 0) / seconds;
}

function destinationOf(
  group: SocketGroup,
  connections: Connections,
  usable: UsablePorts,
  sysctls: Readonly<Record<string, string>>,
): Destination {
  const [source, portsUsed] = [...group.portsBySource].reduce((most, one) => one[1] > most[1] ? one : most);
  // What is known of the group holds for each source address in proportion to its ports.
  const share = portsUsed / [...group.portsBySource.values()].reduce((sum, count) => sum + count, 0);
  const reuse = sysctls["net.ipv4.tcp_tw_reuse"];
  const reusable = sysctls["net.ipv4.tcp_timestamps"] !== "0" &&
    (reuse === "1" || (reuse === "2" && group.loopback));
  // Where ports are taken again, only the TIME_WAITs of the last second are all still there.
  const madePerSec = reusable ? Math.max(group.madeAgo[0]!, connections.madePerSec) : connections.madePerSec;
  return {
    ...connections,
    madePerSec,
    service: group.service,
    loopback: group.loopback,
    source,
    sources: group.portsBySource.size,
    portsUsed,
    outlook: outlookOf(
      portsUsed,
      group.madeAgo.map((count) => count * share),
      madePerSec * share,
      usable.count,
    ),
    reusable,
  };
}

function listenersOf(
  { groups, listening }: GroupedSockets,
  connections: (group: SocketGroup) => Connections,
  ownerOf: ReadonlyMap<number, CapturedProcess>,
): Listener[] {
  const ports = new Map<number, SocketGroup | undefined>(
    groups.filter(({ side }) => side === "accepted").map((group) => [Number(group.service.slice(1)), group]),
  );
  for (const { port } of listening) if (!ports.has(port)) ports.set(port, undefined);
  return [...ports].map(([port, group]) => {
    const sockets = listening.filter((socket) => socket.port === port);
    const accepted = group === undefined ? NO_CONNECTIONS : connections(group);
    const owners = ownersOf(sockets.map(({ inode }) => inode), ownerOf);
    return {
      ...accepted,
      owners: accepted.owners.length > 0 ? accepted.owners : owners,
      port,
      listening: sockets.length > 0,
      queue: sockets.reduce((sum, { queue }) => sum + queue, 0),
    };
  });
}

const NO_CONNECTIONS: Connections = {
  states: { opening: 0, established: 0, closeWait: 0, closing: 0, finWait2: 0, timeWait: 0 },
  madeAgo: [],
  madePerSec: 0,
  pool: { readings: 0, floor: 0, ceiling: 0, flat: false, kept: 0 },
  stuckInCloseWait: 0,
  owners: [],
};

function ownersIn(processes: readonly CapturedProcess[]): Map<number, CapturedProcess> {
  return new Map(processes.flatMap((process) => process.inodes.map((inode) => [inode, process])));
}

/**
 * The program that is asked about. Where nobody named one: of those that listen, the one that holds most
 * connections which this host opened. Where it cannot be seen who listens: the only product that is known.
 */
function programOf(
  { pid, port, processes }: Capture,
  { listening }: GroupedSockets,
  destinations: readonly Destination[],
  ownerOf: ReadonlyMap<number, CapturedProcess>,
): ProgramSeen | undefined {
  const listens = listening.filter((socket) => port === undefined || socket.port === port)
    .map(({ inode }) => ownerOf.get(inode)).filter((process) => process !== undefined);
  const opened = (process: CapturedProcess) =>
    destinations.flatMap(({ owners }) => owners).filter((owner) => owner.pid === process.pid)
      .reduce((sum, { sockets }) => sum + sockets, 0);
  const known = processes.filter((process) => productIn(process) !== undefined);
  const asked = processes.find((process) => process.pid === pid);
  const found = asked !== undefined && (asked.inodes.length > 0 || listens.length === 0)
    ? asked
    : listens.toSorted((a, b) => opened(b) - opened(a))[0] ??
      (port === undefined && new Set(known.map(productIn)).size === 1 ? known[0] : undefined);
  if (found === undefined) return undefined;
  const product = productIn(found);
  const { name, command } = found;
  return { pid: found.pid, name, command, ...(product === undefined ? {} : { product }) };
}

function productIn({ command, name }: CapturedProcess): string | undefined {
  return guessProduct(command) ?? guessProduct(name);
}

/** From this share of the ports on, two destinations that share none are no chance. */
const CLEARLY_MANY = 0.4;

/**
 * Source addresses that take a port for all destinations at once. Connects to two destinations choose their
 * ports independently; that tens of percents of the range share none happens only where each port was bound
 * ahead of the connect.
 */
function boundSourcesOf({ groups, sharedPorts }: GroupedSockets, usable: number): string[] {
  const bySource = new Map<string, number[]>();
  for (const { portsBySource } of groups) {
    for (const [source, ports] of portsBySource) {
      bySource.set(source, [...bySource.get(source) ?? [], ports]);
    }
  }
  return [...bySource].filter(([source, ports]) => {
    const [most = 0, second = 0] = ports.toSorted((a, b) => b - a);
    return second >= usable / 20 && most + second >= usable * CLEARLY_MANY && !sharedPorts.has(source);
  }).map(([source]) => source);
}

function sumOf(all: readonly StateCounts[]): StateCounts {
  const sum = { opening: 0, established: 0, closeWait: 0, closing: 0, finWait2: 0, timeWait: 0 };
  for (const states of all) {
    for (const kind of Object.keys(sum) as (keyof StateCounts)[]) sum[kind] += states[kind];
  }
  return sum;
}

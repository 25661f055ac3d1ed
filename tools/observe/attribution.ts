/**
 * Attribution: what each host has done in a repetition, from samples of its TCP counters and a last full look
 * at its sockets.
 *
 * @module
 */

import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { hasOwnTables } from "../lab/any_lab.ts";
import type { LabKind } from "../lab/lab.ts";
import type { ConnectTimes } from "./connect_probe.ts";
import type { Sample } from "./sampler.ts";
import { counterDelta, type TcpCounters } from "./tcp_counters.ts";
import {
  type ConnectionGroup,
  groupConnections,
  groupTimeWait,
  listens,
  TCP_STATES,
  type TcpSocket,
  type TimeWaitGroup,
} from "./tcp_table.ts";
import { openedShareOf, portsUsed } from "./ports_used.ts";
import type { HostResult, HostSeries } from "./series.ts";

/** What was observed of a lab between the start and the end of a load. */
export interface Observation {
  /**
   * Decides how sockets are attributed: by host in a private lab, by port where the hosts share one table.
   */
  readonly lab: LabKind;
  /** At least two: the first from before the load began, the last from when it was over. */
  readonly samples: readonly Sample[];
  /** The counters of each host before the load began. */
  readonly before: Readonly<Record<HostName, TcpCounters>>;
  /** The counters of each host when the load was over. */
  readonly after: Readonly<Record<HostName, TcpCounters>>;
  /**
   * Every socket of each host when the load was over. Where the hosts share one table, it stands here three
   * times.
   */
  readonly sockets: Readonly<Record<HostName, readonly TcpSocket[]>>;
  /** Every socket of each host when the load began; `undefined` where no warm-up could have left any. */
  readonly socketsBefore?: Readonly<Record<HostName, readonly TcpSocket[]>> | undefined;
  /** What stood before the gateway started, and before any load came. Left out where there is no gateway. */
  readonly start?: GatewayStart | undefined;
  /** The port on which the backend listened, the first where there are several. */
  readonly backendPort: number;
  /** The ports of the other backends. Default none. */
  readonly furtherBackendPorts?: readonly number[] | undefined;
  /** The port on which the gateway listened; `undefined` where the load went straight at the backend. */
  readonly gatewayPort: number | undefined;
}

/** How the hosts stood when the gateway started. */
export interface GatewayStart {
  /** Connections established on each host just before (`CurrEstab`). */
  readonly established: Readonly<Record<HostName, number>>;
  /** Every socket of each host once the gateway listened, before any load came. */
  readonly sockets: Readonly<Record<HostName, readonly TcpSocket[]>>;
}

/**
 * Takes the connections of a probe on the gateway's host off what was observed, because they are not the
 * gateway's. A connect that failed for want of a port has opened none. The clocks of the probe and of the
 * samples differ by less than a tenth of a second.
 */
export function withoutProbe<T extends Pick<Observation, "lab" | "samples" | "after">>(
  seen: T,
  { timeMs, connectUs }: ConnectTimes,
): T {
  const openedMs = timeMs.filter((_, i) => connectUs[i] !== null);
  const less = <C extends { readonly connectionsOpened: number }>(
    hosts: Record<HostName, C>,
    opened: number,
  ) =>
    perHost((name) => {
      if (seen.lab === "private" && name !== "gateway") return hosts[name];
      return { ...hosts[name], connectionsOpened: hosts[name].connectionsOpened - opened };
    });
  const samples = seen.samples.map((sample, i) => {
    const opened = i === 0 ? 0 : openedMs.filter((ms) => ms < sample.timeMs).length;
    return { ...sample, hosts: less(sample.hosts, opened) };
  });
  return { ...seen, samples, after: less(seen.after, openedMs.length) };
}

/**
 * Takes off what the connections of other programs add to what stands on given hosts, by what stood there
 * when the load began. What they open meanwhile is not told apart, and is counted.
 */
export function withoutOthers(seen: Observation): Observation {
  const base = seen.socketsBefore ?? seen.start?.sockets;
  if (seen.lab !== "remote" || base === undefined) return seen;
  const services = servicesOf(seen);
  const others = perHost((name) => {
    const strange = base[name].filter(({ localPort, remotePort }) =>
      !services.has(localPort) && !services.has(remotePort)
    );
    const count = (...states: string[]) => strange.filter(({ state }) => states.includes(state)).length;
    return {
      timeWait: count(TCP_STATES.timeWait),
      // What CurrEstab counts (RFC 4022).
      established: count(TCP_STATES.established, TCP_STATES.closeWait),
    };
  });
  const less = <S extends { readonly timeWait: number; readonly established: number }>(
    hosts: Record<HostName, S>,
  ) =>
    perHost((name) => ({
      ...hosts[name],
      timeWait: Math.max(0, hosts[name].timeWait - others[name].timeWait),
      established: Math.max(0, hosts[name].established - others[name].established),
    }));
  return {
    ...seen,
    samples: seen.samples.map((sample) => ({ ...sample, hosts: less(sample.hosts) })),
    after: less(seen.after),
    ...(seen.start === undefined
      ? {}
      : { start: { ...seen.start, established: { client: 0, gateway: 0, backend: 0 } } }),
  };
}

/** The ports on which parties listen on their own hosts, where those are others than they are reached by. */
export type PortsThere = Readonly<Partial<Record<"gateway" | "backend", number>>>;

/**
 * Finds out on which ports the parties of given hosts listen. What stands ahead of a host, such as a service
 * of Kubernetes, may have another one: then it is the port there with most connections.
 */
export function portsThere({ lab, sockets, gatewayPort, backendPort }: Observation): PortsThere {
  if (lab !== "remote") return {};
  const there = (host: HostName, port: number | undefined): number | undefined => {
    if (port === undefined || listens(sockets[host], port)) return undefined;
    const listening = sockets[host].filter(({ state }) => state === TCP_STATES.listen);
    const accepted = Map.groupBy(
      sockets[host].filter(({ state }) => state !== TCP_STATES.listen),
      ({ localPort }) => localPort,
    );
    const counted = [...new Set(listening.map(({ localPort }) => localPort))]
      .map((port) => [port, accepted.get(port)?.length ?? 0] as const);
    return counted.filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a)[0]?.[0];
  };
  const [gateway, backend] = [there("gateway", gatewayPort), there("backend", backendPort)];
  return { ...(gateway === undefined ? {} : { gateway }), ...(backend === undefined ? {} : { backend }) };
}

/** What was observed, as if each party listened on the port by which it is reached. */
export function asReached(seen: Observation, there: PortsThere): Observation {
  const reached = { gateway: seen.gatewayPort, backend: seen.backendPort };
  const renamed = (tables: Observation["sockets"]): Observation["sockets"] =>
    perHost((name) => {
      const [from, to] = name === "client" ? [] : [there[name], reached[name]];
      if (from === undefined || to === undefined) return tables[name];
      return tables[name].map((socket) => socket.localPort === from ? { ...socket, localPort: to } : socket);
    });
  return {
    ...seen,
    sockets: renamed(seen.sockets),
    ...(seen.socketsBefore === undefined ? {} : { socketsBefore: renamed(seen.socketsBefore) }),
    ...(seen.start === undefined ? {} : { start: { ...seen.start, sockets: renamed(seen.start.sockets) } }),
  };
}

/**
 * The port to which a host has opened most connections, those in TIME_WAIT among them: that of the backend of
 * a gateway that runs already, where nobody has said it. `undefined` where the host has opened none.
 */
export function busiestPort(
  sockets: readonly TcpSocket[],
  gatewayPort: number | undefined,
): number | undefined {
  const listening = new Set(
    sockets.flatMap(({ state, localPort }) => state === TCP_STATES.listen ? [localPort] : []),
  );
  const opened = sockets.filter(({ state, localPort }) =>
    state !== TCP_STATES.listen && !listening.has(localPort) && localPort !== gatewayPort
  );
  const ports = [...Map.groupBy(opened, ({ remotePort }) => remotePort)];
  return ports.toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0];
}

/** The results of each host. */
export function hostResults(observation: Observation): Record<HostName, HostResult> {
  const ofHost = hasOwnTables(observation.lab) ? ownTableResult : sharedTableResult;
  return perHost((name) => ofHost(observation, name));
}

/**
 * The series of each host. In a shared table, TIME_WAITs of others that stood when the load began are taken
 * off, and connections that stood before the gateway started.
 */
export function hostSeries(
  { lab, samples, socketsBefore, start, ...ports }: Pick<
    Observation,
    "lab" | "samples" | "socketsBefore" | "start" | "backendPort" | "furtherBackendPorts" | "gatewayPort"
  >,
): Record<HostName, HostSeries> {
  return perHost((name) => {
    const first = samples[0]!.hosts[name];
    const of = samples.map((sample) => sample.hosts[name]);
    const ours = groupTimeWait(socketsBefore?.[name] ?? [], servicesOf(ports));
    const ofOthers = hasOwnTables(lab) ? 0 : Math.max(0, first.timeWait - sumOf(ours));
    const stood = hasOwnTables(lab) ? 0 : start?.established[name] ?? 0;
    return {
      timeWait: of.map((counters) => Math.max(0, counters.timeWait - ofOthers)),
      established: of.map((counters) => Math.max(0, counters.established - stood)),
      connectionsOpened: of.map((counters) =>
        Math.max(0, counters.connectionsOpened - first.connectionsOpened)
      ),
    };
  });
}

/** How long a TIME_WAIT stands on Linux, in milliseconds: what was opened before that is no longer seen. */
const TIME_WAIT_MS = 60_000;

/**
 * Connections that were opened on the machine while the load ran, and of which no socket of this repetition
 * was left: other programs opened them, or they were reset. `undefined` where the hosts have tables of their
 * own, and where sockets of this repetition may be gone because the load took too long.
 */
export function openedByOthers(observation: Observation): number | undefined {
  const { lab, samples, before, after, sockets, socketsBefore } = observation;
  // How long a warm-up was is not known here: it is taken to be no longer than the load.
  const seenMs = samples.at(-1)!.timeMs * (socketsBefore === undefined ? 1 : 2);
  if (lab !== "host" || seenMs > TIME_WAIT_MS) return undefined;
  const services = [...servicesOf(observation)];
  const ours = (all: readonly TcpSocket[]) =>
    services.reduce((sum, port) => sum + connectionsTo(port, all), 0);
  const { connectionsOpened, timeWaitReused } = counterDelta(before.client, after.client);
  return Math.max(
    0,
    connectionsOpened - timeWaitReused - (ours(sockets.client) - ours(socketsBefore?.client ?? [])),
  );
}

/**
 * Connections to a service of which a shared table shows a socket: the one that opened it, or its TIME_WAIT.
 */
function connectionsTo(port: number, sockets: readonly TcpSocket[]): number {
  return sockets.filter(({ state, localPort, remotePort }) =>
    state === TCP_STATES.timeWait ? localPort === port || remotePort === port : remotePort === port
  ).length;
}

/**
 * The client's connections when the load was over: those that stand, and those that the other side has ended
 * since.
 */
export function connectionsOfClient(
  { sockets, gatewayPort, backendPort }: Pick<Observation, "sockets" | "gatewayPort" | "backendPort">,
): number {
  const target = gatewayPort ?? backendPort;
  const stood: readonly string[] = [TCP_STATES.established, TCP_STATES.closeWait];
  return sockets.client.filter(({ state, remotePort }) => remotePort === target && stood.includes(state))
    .length;
}

function perHost<T>(make: (name: HostName) => T): Record<HostName, T> {
  return Object.fromEntries(HOST_NAMES.map((name) => [name, make(name)])) as Record<HostName, T>;
}

/** The result of a host with TCP tables of its own: everything in them is its doing. */
function ownTableResult(observation: Observation, name: HostName): HostResult {
  const { samples, before, after, sockets } = observation;
  const moved = counterDelta(before[name], after[name]);
  const timeWaitGroups = groupTimeWait(sockets[name], servicesOf(observation));
  const openedShare = openedShareOf(timeWaitGroups);
  return {
    timeWaitPeak: Math.max(
      sumOf(timeWaitGroups),
      after[name].timeWait,
      ...samples.map((sample) => sample.hosts[name].timeWait),
    ),
    timeWaitEntered: moved.timeWaitEntered,
    connectionsOpened: moved.connectionsOpened,
    portsUsedPeak: Math.round(
      busiestShareOf(observation, name) *
        Math.max(...samples.map(({ hosts }) => portsUsed<HostName>(name, hosts, openedShare))),
    ),
    timeWaitReused: moved.timeWaitReused,
    timeWaitOverflowed: moved.timeWaitOverflowed,
    listenDrops: moved.listenDrops,
    timeWaitGroups,
    connectionGroups: groupConnections(sockets[name], servicesOf(observation)),
  };
}

/**
 * The result of a host that shares its tables with the other hosts and the rest of the machine.
 *
 * Sockets are attributed by the ports of this repetition, as they stand at the end. That is the peak, unless
 * the load lasts longer than the 60 s of TIME_WAIT. The kernel counts opened connections for all hosts
 * together. The client has opened those towards its target that stand or wait at the end, and the gateway has
 * opened the rest.
 */
function sharedTableResult(observation: Observation, name: HostName): HostResult {
  const { before, after, gatewayPort, backendPort } = observation;
  const sockets = observation.sockets[name];
  const socketsBefore = observation.socketsBefore?.[name] ?? [];
  const target = gatewayPort ?? backendPort;
  const backendPorts = backendPortsOf(observation);
  const opens =
    { client: [target], gateway: gatewayPort === undefined ? [] : backendPorts, backend: [] }[name];
  const accepts =
    { client: [], gateway: gatewayPort === undefined ? [] : [gatewayPort], backend: backendPorts }[name];
  const isOfHost = ({ side, service }: Pick<ConnectionGroup, "side" | "service">) => {
    const port = Number(service.slice(service.lastIndexOf(":") + 1));
    return (side === "opened" ? opens : accepts).includes(port);
  };
  const timeWaitGroups = groupTimeWait(sockets, servicesOf(observation)).filter(isOfHost);
  const established = (port: number) =>
    sockets.filter((socket) => socket.state === TCP_STATES.established && socket.remotePort === port).length;
  const clientWaits = (all: readonly TcpSocket[]) => sumOf(groupTimeWait(all, new Set([target])));
  const clientOpened = Math.max(0, established(target) + clientWaits(sockets) - clientWaits(socketsBefore));
  const machineOpened = counterDelta(before[name], after[name]).connectionsOpened;
  // In a loopback lab only the three hosts share the tables, and of them only the gateway opens connections
  // all the time.
  const moved = observation.lab === "loopback" ? counterDelta(before[name], after[name]) : undefined;
  return {
    timeWaitPeak: sumOf(timeWaitGroups),
    timeWaitEntered: null,
    connectionsOpened: {
      client: gatewayPort === undefined ? machineOpened : clientOpened,
      gateway: gatewayPort === undefined ? 0 : Math.max(0, machineOpened - clientOpened),
      backend: 0,
    }[name],
    portsUsedPeak: Math.max(0, ...opens.map((port) => portsTowards(port, sockets))),
    timeWaitReused: moved?.timeWaitReused ?? null,
    timeWaitOverflowed: moved?.timeWaitOverflowed ?? null,
    listenDrops: moved?.listenDrops ?? null,
    timeWaitGroups,
    connectionGroups: groupConnections(sockets, servicesOf(observation)).filter(isOfHost),
  };
}

/** The ports on which the parties listen. */
export function servicesOf(
  observation: Pick<Observation, "backendPort" | "furtherBackendPorts" | "gatewayPort">,
): ReadonlySet<number> {
  const { backendPort, gatewayPort } = observation;
  return new Set([...backendPortsOf(observation), gatewayPort ?? backendPort]);
}

/** The ports of all backends. */
export function backendPortsOf(
  { backendPort, furtherBackendPorts = [] }: Pick<Observation, "backendPort" | "furtherBackendPorts">,
): number[] {
  return [backendPort, ...furtherBackendPorts];
}

/** The sockets of a host that hold a port towards a service: established ones, and TIME_WAITs. */
function portsTowards(port: number, sockets: readonly TcpSocket[]): number {
  const holding: readonly string[] = [TCP_STATES.established, TCP_STATES.timeWait];
  return sockets.filter(({ state, remotePort }) => remotePort === port && holding.includes(state)).length;
}

/**
 * The share of the gateway's ports that the busiest backend has: the same port can be used towards each, so
 * they are not added up. 1 for the other hosts, and for one backend.
 */
function busiestShareOf(observation: Observation, name: HostName): number {
  const ports = backendPortsOf(observation);
  if (name !== "gateway" || ports.length === 1) return 1;
  const used = ports.map((port) => portsTowards(port, observation.sockets[name]));
  const all = used.reduce((sum, count) => sum + count, 0);
  return all === 0 ? 1 : Math.max(...used) / all;
}

function sumOf(groups: readonly TimeWaitGroup[]): number {
  return groups.reduce((sum, group) => sum + group.timeWait, 0);
}

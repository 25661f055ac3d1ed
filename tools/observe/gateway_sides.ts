/**
 * The two sides of a gateway: its connections to the backend, and those that clients have to it.
 *
 * @module
 */

import type { Amount, Count } from "../figures.ts";
import { hasOwnTables } from "../lab/any_lab.ts";
import { backendPortsOf, type Observation, servicesOf } from "./attribution.ts";
import { openedShareOf } from "./ports_used.ts";
import type { HostResult } from "./series.ts";
import type { HostName } from "../scenario/host_names.ts";
import { type ConnectionGroup, connectionsIn, groupConnections } from "./tcp_table.ts";

/** The connections of a gateway while a load ran, told apart by their other end. */
export interface GatewaySides {
  /** Towards the backend: the gateway has opened these. */
  readonly backend: GatewaySide;
  /** From the clients: the gateway has accepted these. */
  readonly clients: GatewaySide;
  /**
   * Connections that the gateway had opened to the backend before any load came, as for health checks or for
   * a pool that is filled ahead, as far as a socket of them was left. They do not count as opened.
   */
  readonly openedAtStart: Count;
  /**
   * Connections of other programs that stood before the gateway started. They are taken off the series of
   * established connections. 0 where the gateway's host has tables of its own.
   */
  readonly ofOthersBefore: Count;
}

/** One side of a gateway. */
export interface GatewaySide {
  /**
   * Connections that were opened while the load ran, without those of the warm-up. Where the hosts share one
   * table, those of the clients are counted by their sockets, and all others of the machine count as opened
   * to the backend. Of two client connections that had the same port one after the other, the table keeps
   * one; the other counts as opened to the backend.
   */
  readonly connectionsOpened: Count;
  /**
   * The same ÷ answered requests, the first connections of the load among them; 1 is one for each request.
   */
  readonly openedPerRequest: Amount;
  /**
   * The most TIME_WAITs of this side on the gateway's host at one time. The kernel counts both sides
   * together; its peak is divided as the TIME_WAITs were at the end of the load.
   */
  readonly timeWaitPeak: Count;
  /** Connections of this side that were established when the load began, those of the warm-up among them. */
  readonly establishedBefore: Count;
  /**
   * The course of established connections. Left out where the hosts share one table, which does not tell the
   * sides apart while a load runs.
   */
  readonly established?: Course;
}

/**
 * The course of a count, sampled ten times a second in the second half of the load: what a pool grows to in
 * the first half is not in it. It holds connections that the other end has closed and this one has not.
 */
export interface Course {
  /** The least. */
  readonly floor: Count;
  /** The median. */
  readonly median: Amount;
  /** The most. */
  readonly ceiling: Count;
}

/** What is known of a load besides what was observed. */
export interface SidesOf {
  /** The results of each host. */
  readonly hosts: Readonly<Record<HostName, HostResult>>;
  /** Requests that were answered. */
  readonly requests: number;
  /** How long the load lasted, in seconds. */
  readonly durationSec: number;
}

/** The sides of a gateway; `undefined` where there is none. */
export function gatewaySides(
  observation: Observation,
  { hosts, requests, durationSec }: SidesOf,
): GatewaySides | undefined {
  const { gatewayPort, start, lab, socketsBefore } = observation;
  if (gatewayPort === undefined) return undefined;
  const openedShare = openedShareOf(hosts.gateway.timeWaitGroups);
  const { timeWaitPeak } = hosts.gateway;
  const towardsBackend = Math.round(timeWaitPeak * openedShare);
  const services = servicesOf(observation);
  const backendPorts = backendPortsOf(observation);
  const groupsAtStart = groupConnections(start?.sockets.gateway ?? [], services);
  const groupsBefore = groupConnections((socketsBefore ?? start?.sockets)?.gateway ?? [], services);
  const side = (
    connectionsOpened: number,
    timeWaitPeak: number,
    groups: readonly ConnectionGroup[],
    established: Course | undefined,
  ): GatewaySide => ({
    connectionsOpened,
    openedPerRequest: connectionsOpened / Math.max(1, requests),
    timeWaitPeak,
    establishedBefore: sumOf(groups, ({ established }) => established),
    ...(established === undefined ? {} : { established }),
  });
  const course = hasOwnTables(lab) ? courses(observation, durationSec) : undefined;
  return {
    backend: side(
      hosts.gateway.connectionsOpened,
      towardsBackend,
      groupsBefore.filter(isTo(backendPorts, "opened")),
      course?.backend,
    ),
    clients: side(
      hosts.client.connectionsOpened,
      timeWaitPeak - towardsBackend,
      groupsBefore.filter(isTo([gatewayPort], "accepted")),
      course?.clients,
    ),
    // On given hosts they may be of the load before.
    openedAtStart: lab === "remote"
      ? 0
      : sumOf(groupsAtStart.filter(isTo(backendPorts, "opened")), connectionsIn),
    ofOthersBefore: hasOwnTables(lab) ? 0 : start?.established.gateway ?? 0,
  };
}

/**
 * The courses in a private lab, where the client's host counts the connections of one side, and the gateway's
 * host those of both.
 */
function courses(
  { samples, start }: Observation,
  durationSec: number,
): { readonly backend: Course; readonly clients: Course } | undefined {
  const during = samples.filter(({ timeMs }) => timeMs >= 500 * durationSec && timeMs <= 1000 * durationSec);
  if (during.length === 0) return undefined;
  const of = (name: HostName, i: number) =>
    Math.max(0, during[i]!.hosts[name].established - (start?.established[name] ?? 0));
  const clients = during.map((_, i) => of("client", i));
  const backend = during.map((_, i) => Math.max(0, of("gateway", i) - clients[i]!));
  return { backend: courseOf(backend), clients: courseOf(clients) };
}

function courseOf(values: readonly number[]): Course {
  const sorted = values.toSorted((a, b) => a - b);
  const middle =
    (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
  return { floor: sorted[0]!, median: middle, ceiling: sorted.at(-1)! };
}

function isTo(ports: readonly number[], side: ConnectionGroup["side"]): (group: ConnectionGroup) => boolean {
  return (group) => group.side === side && ports.some((port) => group.service.endsWith(`:${port}`));
}

function sumOf(groups: readonly ConnectionGroup[], of: (group: ConnectionGroup) => number): number {
  return groups.reduce((sum, group) => sum + of(group), 0);
}

/**
 * What is particular to a repetition on given hosts: where the parties are, the wait before it, and what is
 * known besides of it.
 *
 * @module
 */

import { divideLoad } from "../load/divide_load.ts";
import { rateOf } from "../load/load_reports.ts";
import type { PortsThere } from "../observe/attribution.ts";
import { untilQuiet, type UntilQuietOptions } from "../observe/until_quiet.ts";
import type { Party, Upstream } from "../parties/lab_parties.ts";
import type { OnMachines } from "../results/results.ts";
import type { RunOptions } from "../scenario/plan.ts";
import { addressOfUrl } from "../scenario/resolve_hosts.ts";
import type { Machines } from "./machines.ts";
import type { Stage, WatchedLoad } from "./watched_load.ts";

/** Where the parties of a run are reached on given hosts. Both are left out in a lab of our own. */
export interface Places {
  /** Where the load goes. */
  readonly target?: Upstream;
  /** The backend, where somebody has said it. */
  readonly backend?: Upstream;
}

/** Where the parties of a run are reached. */
export function placesOf({ url, backendUrl }: RunOptions): Places {
  const of = (url: string): Upstream => ({ ...addressOfUrl(url), url: new URL(url).origin });
  return {
    ...(url === undefined ? {} : { target: of(url) }),
    ...(backendUrl === undefined ? {} : { backend: of(backendUrl) }),
  };
}

/**
 * So many of a client's ports towards where the load goes may be in TIME_WAIT: a load takes a part of the
 * rest.
 */
const CLIENT_SHARE = 0.25;

/**
 * Waits until the gateway's TIME_WAITs towards the backend are under 1% of its ports, and a client's under a
 * quarter of its own; at most 61 s each.
 *
 * @returns the longest wait, in milliseconds.
 */
export async function untilPortsAreFree(
  { lab: { gateway, clients } }: Machines,
  { target, backend }: Places,
  { signal, onWait }: Pick<UntilQuietOptions, "signal" | "onWait">,
): Promise<number> {
  const common = { signal, ...(onWait === undefined ? {} : { onWait }) };
  const waits = [
    ...(gateway === undefined ? [] : [untilQuiet({ host: gateway, port: backend?.port, ...common })]),
    ...clients.map((host) => untilQuiet({ host, port: target!.port, share: CLIENT_SHARE, ...common })),
  ];
  return Math.max(...(await Promise.all(waits)).map(({ waitedMs }) => waitedMs));
}

/** For a command that names no upstream. */
export const NOWHERE: Upstream = { hostname: "", port: 0, url: "" };

/** The ports of the parties that were started, or where they run already. */
export function portsOf(
  { gateway: plan }: RunOptions,
  { backends, gateway, target, backend }: Places & {
    readonly backends: readonly Party[];
    readonly gateway: Party | undefined;
  },
): Stage["ports"] {
  const direct = plan === null ? target?.port : undefined;
  const port = direct ?? backend?.port;
  return {
    backends: backends.length > 0 ? backends.map(({ port }) => port) : port === undefined ? [] : [port],
    gateway: plan === null ? undefined : gateway?.port ?? target?.port,
  };
}

/** What is known of a repetition on given hosts besides. */
export function onMachines(
  { ports, load }: Stage,
  { parts, idleShares, clockErrorMs, observation }: WatchedLoad,
  { waitedMs, there }: { readonly waitedMs: number; readonly there: PortsThere },
): OnMachines {
  const first = Math.min(...parts.map(({ beganMs }) => beganMs));
  const apartMs = Math.max(...parts.map(({ beganMs }) => beganMs)) - first;
  if (apartMs > MOST_APART * load.durationMs) {
    throw new Error(
      `the clients began ${Math.round(apartMs)} ms apart, and more than ${
        MOST_APART * 100
      }% of the load was not common to all`,
    );
  }
  const [gateway] = idleShares.gateway;
  const [backend] = idleShares.backend;
  return {
    clients: parts.map(({ report, beganMs, cpuSec }, i) => ({
      connections: divideLoad(load, parts.length)[i]!.connections,
      requests: report.requests,
      requestsPerSec: rateOf(report),
      beganAfterMs: Math.round(beganMs - first),
      cpuSec,
      idleShare: idleShares.client[i]!,
    })),
    idleShares: {
      ...(gateway === undefined ? {} : { gateway }),
      ...(backend === undefined ? {} : { backend }),
    },
    clockErrorMs,
    waitedMs: Math.round(waitedMs),
    ...(Object.keys(there).length === 0 ? {} : { portsThere: there }),
    ...(ports.backends.length === 0 ? { backendPortSeen: observation.backendPort } : {}),
  };
}

/** Clients that begin further apart than this share of the load have too little time in common. */
const MOST_APART = 0.1;

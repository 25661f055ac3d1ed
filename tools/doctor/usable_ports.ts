/**
 * Which ephemeral ports a connection may get, and how long they last.
 *
 * @module
 */

import { TIME_WAIT_SEC } from "../verdict/port_forecast.ts";
import { portRange, SLOW_FROM } from "../verdict/ports.ts";
import type { EphemeralRange } from "./groups.ts";

/** The ports that a new connection may get, for each source address, destination address and port. */
export interface UsablePorts extends EphemeralRange {
  /** How many, those of `ip_local_reserved_ports` taken off. */
  readonly count: number;
  /** How many reserved ones were taken off. */
  readonly reserved: number;
  /**
   * Whether the range is the kernel's default, or that of the ports in use, because the sysctl could not be
   * read.
   */
  readonly assumed: boolean;
  /** Whether the range is that of the ports in use, which are not those of the default. */
  readonly fromPortsInUse?: true;
}

/** Documentation/networking/ip-sysctl.rst, `ip_local_port_range`. */
const DEFAULT_RANGE = "32768 60999";

/** The usable ports by the sysctls of a capture. */
export function usablePortsOf(sysctls: Readonly<Record<string, string>>): UsablePorts {
  const text = sysctls["net.ipv4.ip_local_port_range"] ?? "";
  const range = /^\d{1,5} \d{1,5}$/.test(text) ? portRange(text) : undefined;
  const read = range !== undefined && range.count > 0 ? range : undefined;
  const { first, last, count } = read ?? portRange(DEFAULT_RANGE)!;
  const reserved = countReserved(sysctls["net.ipv4.ip_local_reserved_ports"] ?? "", first, last);
  return { first, last, count: count - reserved, reserved, assumed: read === undefined };
}

/** Fewest ports, and the share of them outside of the default range, that show another range. */
const [FEWEST_PORTS, OUTSIDE] = [100, 0.05];

/** Ports below are those of services (RFC 6335), or were bound by hand. */
const FIRST_USER_PORT = 1024;

/**
 * The range that the ports in use show where the sysctl could not be read: where many lie outside of the
 * default range, from the lowest to the highest. The range itself may be wider than that.
 *
 * @param ports local ports of connections that this host opened.
 */
export function usableByPortsInUse(usable: UsablePorts, ports: readonly number[]): UsablePorts {
  const free = ports.filter((port) => port >= FIRST_USER_PORT);
  const outside = free.filter((port) => port < usable.first || port > usable.last).length;
  if (!usable.assumed || free.length < FEWEST_PORTS || outside < OUTSIDE * free.length) return usable;
  const [first, last] = [free.reduce((a, b) => Math.min(a, b)), free.reduce((a, b) => Math.max(a, b))];
  return { first, last, count: last - first + 1, reserved: 0, assumed: true, fromPortsInUse: true };
}

/** The ports of a list such as `8080,9000-9010` that lie within a range. */
function countReserved(list: string, first: number, last: number): number {
  const ports = new Set<number>();
  for (const part of list.split(",").filter((part) => part !== "")) {
    const [from, to = from] = part.split("-").map(Number);
    // NaN, of what is no number, is at no port.
    for (let port = Math.max(first, from!); port <= Math.min(last, to!); port++) ports.add(port);
  }
  return ports.size;
}

/** What becomes of the ports towards one destination if the last seconds' rate stays. */
export interface PortOutlook {
  /** Ports held once 60 s have passed, if there were enough. */
  readonly levelsOffAt: number;
  /**
   * Seconds until half of the ports are in use; 0 where they are. Left out where it does not come to that.
   */
  readonly halfInSec?: number;
  /**
   * Seconds until all ports are in use; 0 where they are. Left out where it does not come to that in 60 s:
   * then it never does.
   */
  readonly goneInSec?: number;
}

/**
 * From this share of the ports on they count as gone: the kernel does not find the last ones in time, and a
 * few are always just being freed.
 */
export const GONE_FROM = 0.97;

/**
 * Works out what becomes of the ports. How many fall free in each of the next seconds is known exactly: each
 * TIME_WAIT carries its time.
 *
 * @param used ports in use now, those in TIME_WAIT among them.
 * @param madeAgo TIME_WAITs by age, see {@linkcode SocketGroup}.
 * @param madePerSec TIME_WAITs made a second.
 */
export function outlookOf(
  used: number,
  madeAgo: readonly number[],
  madePerSec: number,
  usable: number,
): PortOutlook {
  let held = used;
  let halfInSec: number | undefined;
  let goneInSec: number | undefined;
  for (let sec = 0; sec <= TIME_WAIT_SEC; sec++) {
    if (held >= usable * SLOW_FROM) halfInSec ??= sec;
    if (held >= usable * GONE_FROM) goneInSec ??= sec;
    held += madePerSec - (madeAgo[TIME_WAIT_SEC - 1 - sec] ?? 0);
  }
  const waiting = madeAgo.reduce((sum, count) => sum + count, 0);
  return {
    levelsOffAt: Math.round(used - waiting + madePerSec * TIME_WAIT_SEC),
    ...(halfInSec === undefined ? {} : { halfInSec }),
    ...(goneInSec === undefined ? {} : { goneInSec }),
  };
}

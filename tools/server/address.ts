/**
 * Addresses to listen on.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";

/** An address to listen on. Port 0 asks the kernel for a free one. */
export interface ListenAddress {
  /** A name or an IP address, IPv6 without brackets; `0.0.0.0` and `::` listen on every interface. */
  readonly hostname: string;
  /** 0 to 65535, where 0 leaves the choice to the kernel. */
  readonly port: number;
}

/**
 * Parses `HOST:PORT` or `[IPv6]:PORT`.
 *
 * @throws {TimewaitError} where either part is missing or the port is above 65535.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseListen } from "./address.ts";
 *
 * assertEquals(parseListen("[::1]:8080", "listen"), { hostname: "::1", port: 8080 });
 * ```
 */
export function parseListen(text: string, field: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new TimewaitError(`takes HOST:PORT such as 127.0.0.1:8080, not "${text}"`, { field });
  }
  return { hostname: match[1] ?? match[2]!, port };
}

/** An address as it stands in a URL: `127.0.0.1:8080`, `[::1]:8080`. */
export function authorityOf({ hostname, port }: ListenAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Why an address cannot be listened on, in one line that says what to do. */
export function whyNotListening(address: ListenAddress, error: unknown): string {
  const where = `cannot listen on ${authorityOf(address)}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return `${where}: the port is in use; stop what listens there, or choose another (port 0 takes a free one)`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${where}: this machine has no such address; choose one that it has, or 0.0.0.0 for all`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${where}: not permitted; ports below 1024 need root, choose a higher one`;
  }
  return `${where}: ${error instanceof Error ? error.message : error}`;
}

/**
 * Listening on TCP as the measured parties need it.
 *
 * @module
 */

import { UnavailableError } from "../errors.ts";
import { type ListenAddress, whyNotListening } from "./address.ts";

/**
 * The longest queue of connections that wait to be accepted, so that a thousand clients at once do not
 * overflow it. The kernel lowers it to `net.core.somaxconn`.
 */
export const BACKLOG = 65_535;

/** How to listen. */
export interface ListenOptions {
  /**
   * Whether other threads listen on the same port, and the kernel shares the clients among them. Needs
   * `--unstable-net`. Default false.
   */
  readonly reusePort?: boolean | undefined;
}

/**
 * Listens on an address.
 *
 * @throws {UnavailableError} where that cannot be done, in one line that says what to do.
 */
export function listenOn(
  { hostname, port }: ListenAddress,
  { reusePort = false }: ListenOptions = {},
): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port, tcpBacklog: BACKLOG, reusePort });
  } catch (error) {
    throw new UnavailableError(whyNotListening({ hostname, port }, error), { cause: error });
  }
}

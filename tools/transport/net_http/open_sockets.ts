/**
 * Sockets by their name. Those on epoll are loaded where they are asked for, and only there.
 *
 * @module
 */

import { DENO_SOCKETS, type Sockets } from "./sockets.ts";

/** What carries the bytes of a proxy. */
export type SocketsName = "deno" | "epoll";

/**
 * Opens sockets for one thread.
 *
 * @throws {UnavailableError} for those on epoll, where they cannot be had.
 */
export async function openSockets(name: SocketsName = "deno"): Promise<Sockets> {
  if (name === "deno") return DENO_SOCKETS;
  const { EpollSockets } = await import("./epoll_sockets.ts");
  return new EpollSockets();
}

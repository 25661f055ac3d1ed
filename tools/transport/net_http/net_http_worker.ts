/**
 * The script of a worker thread with our own proxy in it. Only `net_http.ts` loads it.
 *
 * @module
 */

import { type InWorker, serveParent } from "../workers/worker.ts";
import { openSockets, type SocketsName } from "./open_sockets.ts";
import { type ProxyCounters, type ProxyOptions, startProxy } from "./proxy.ts";

/** The options of a worker's proxy in the form that a message can carry. */
export type ProxyStart = Omit<ProxyOptions, "upstreams" | "sockets" | keyof InWorker> & {
  readonly upstreams: readonly string[];
  readonly sockets?: SocketsName | undefined;
};

serveParent<ProxyStart, ProxyCounters>(async ({ sockets, upstreams, ...start }, inWorker) =>
  startProxy({
    ...start,
    ...inWorker,
    upstreams: upstreams.map((url) => new URL(url)),
    sockets: await openSockets(sockets),
  })
);

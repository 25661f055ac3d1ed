/**
 * One of several threads that share a port, with our own proxy in it. Loaded by `net_http.ts` only.
 *
 * @module
 */

import { type InWorker, serveParent } from "../workers/worker.ts";
import { type ProxyCounters, type ProxyOptions, startProxy } from "./proxy.ts";

/** What such a worker is told: the options of its proxy, as far as a message can carry them. */
export type ProxyStart = Omit<ProxyOptions, "upstreams" | keyof InWorker> & {
  readonly upstreams: readonly string[];
};

serveParent<ProxyStart, ProxyCounters>((start, inWorker) =>
  startProxy({ ...start, ...inWorker, upstreams: start.upstreams.map((url) => new URL(url)) })
);

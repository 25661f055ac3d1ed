/**
 * One of several threads that share a port, with the `http-client` transport in it. Loaded by `http_client_workers.ts` only.
 *
 * @module
 */

import { type InWorker, serveParent } from "../workers/worker.ts";
import { type HttpClientTransportOptions, startHttpClientTransport } from "./http_client.ts";

/** What such a worker is told: the options of its transport, as far as a message can carry them. */
export type HttpClientStart = Omit<HttpClientTransportOptions, "upstream" | keyof InWorker> & {
  readonly upstream: string;
};

serveParent<HttpClientStart>((start, inWorker) =>
  startHttpClientTransport({ ...start, ...inWorker, upstream: new URL(start.upstream) })
);

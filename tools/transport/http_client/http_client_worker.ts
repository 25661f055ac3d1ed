/**
 * The script of a worker thread with the `http-client` transport in it. Only `http_client_workers.ts` loads
 * it.
 *
 * @module
 */

import { type InWorker, serveParent } from "../workers/worker.ts";
import { type HttpClientTransportOptions, startHttpClientTransport } from "./http_client.ts";

/** The options of a worker's transport in the form that a message can carry. */
export type HttpClientStart = Omit<HttpClientTransportOptions, "upstream" | keyof InWorker> & {
  readonly upstream: string;
};

serveParent<HttpClientStart>((start, inWorker) =>
  startHttpClientTransport({ ...start, ...inWorker, upstream: new URL(start.upstream) })
);

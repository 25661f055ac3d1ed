/**
 * One of several threads that share a port, with the `http-client` transport in it. Loaded by `http_client_workers.ts` only.
 *
 * @module
 */

import { serveParent } from "../workers/worker.ts";
import { type HttpClientTransportOptions, startHttpClientTransport } from "./http_client.ts";

/** What such a worker is told: the options of its transport, as far as a message can carry them. */
export type HttpClientStart = Omit<HttpClientTransportOptions, "upstream" | "reusePort" | "log"> & {
  readonly upstream: string;
};

serveParent<HttpClientStart, null>((start, log) => {
  const transport = startHttpClientTransport({
    ...start,
    upstream: new URL(start.upstream),
    reusePort: true,
    log,
  });
  return {
    address: transport.address,
    counters: () => null,
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
});

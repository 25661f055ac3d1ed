/**
 * The `http-client` transport in several threads. One thread of JavaScript carries only as much as one core
 * can, and beyond some hundred connections it serves some of them again and again while others wait.
 *
 * Each thread has a `Deno.HttpClient` of its own, because threads cannot share one. `poolMaxIdlePerHost` is
 * divided among them.
 *
 * @module
 */

import { checkWorkers, shareOf, startWorkers } from "../workers/workers.ts";
import type { RunningTransport } from "../transport.ts";
import type { HttpClientTransportOptions } from "./http_client.ts";
import type { HttpClientStart } from "./http_client_worker.ts";

/**
 * Starts the transport in `count` threads, at least 2.
 *
 * @throws {UnavailableError} where the address cannot be listened on, or Deno does not permit workers.
 */
export async function startHttpClientWorkers(
  { listen, upstream, poolMaxIdlePerHost, poolIdleTimeoutMs, graceMs, log }: HttpClientTransportOptions,
  count: number,
): Promise<RunningTransport> {
  checkWorkers(count);
  return await startWorkers<HttpClientStart, undefined>({
    script: new URL("./http_client_worker.ts", import.meta.url),
    count,
    listen,
    log,
    startOf: (index, listen) => ({
      listen,
      upstream: upstream.href,
      poolMaxIdlePerHost: poolMaxIdlePerHost === false ? false : shareOf(poolMaxIdlePerHost, count, index),
      poolIdleTimeoutMs,
      graceMs,
    }),
  });
}

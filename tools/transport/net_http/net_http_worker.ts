/**
 * One of several threads that share a port: a proxy whose parent speaks to it by messages. Loaded by `net_http.ts` only.
 *
 * @module
 */

import { messageOf } from "../../command_line.ts";
import type { ListenAddress } from "../../command_line.ts";
import type { PoolLimits } from "../pool_limits.ts";
import { type ProxyCounters, type RunningProxy, startProxy } from "./proxy.ts";
import type { ProxyTimeoutOptions } from "./proxy_context.ts";

/** What a worker is told. */
export type ToWorker =
  | {
    readonly ask: "start";
    readonly listen: ListenAddress;
    readonly upstreams: readonly string[];
    readonly pool: PoolLimits;
    readonly idleCounts: Int32Array;
    readonly timeouts: ProxyTimeoutOptions;
    readonly graceMs: number;
  }
  | { readonly ask: "counters" }
  | { readonly ask: "stop" };

/** What a worker says: one answer to each thing that it is told, and lines for the log. */
export type FromWorker =
  | { readonly say: "listening"; readonly address: ListenAddress }
  | { readonly say: "failed"; readonly message: string }
  | { readonly say: "counters"; readonly counters: ProxyCounters }
  | { readonly say: "stopped"; readonly counters: ProxyCounters }
  | { readonly say: "log"; readonly line: string };

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
  close(): void;
}

const scope = self as unknown as WorkerScope;
let proxy: RunningProxy | undefined;

scope.onmessage = async ({ data }) => {
  if (data.ask === "start") {
    try {
      const { listen, upstreams, pool, idleCounts, timeouts, graceMs } = data;
      proxy = startProxy({
        listen,
        reusePort: true,
        upstreams: upstreams.map((url) => new URL(url)),
        pool,
        idleCounts,
        timeouts,
        graceMs,
        log: (line) => scope.postMessage({ say: "log", line }),
      });
      scope.postMessage({ say: "listening", address: proxy.address });
    } catch (error) {
      scope.postMessage({ say: "failed", message: messageOf(error) });
    }
  } else if (data.ask === "counters") scope.postMessage({ say: "counters", counters: proxy!.counters() });
  else {
    await proxy?.[Symbol.asyncDispose]();
    scope.postMessage({ say: "stopped", counters: proxy!.counters() });
    scope.close();
  }
};

/**
 * One of several threads that share a port, as seen from within: a transport whose parent speaks to it by messages.
 *
 * @module
 */

import { messageOf, UnavailableError } from "../../errors.ts";
import type { ListenAddress } from "../../server/address.ts";
import type { RunningTransport } from "../transport.ts";

/** What a worker is told. */
export type ToWorker<Start> =
  | { readonly ask: "start"; readonly start: Start }
  | { readonly ask: "counters" }
  | { readonly ask: "stop" };

/** What a worker says: one answer to each thing that it is told, and lines for the log. */
export type FromWorker<Counters> =
  | { readonly say: "listening"; readonly address: ListenAddress }
  | { readonly say: "failed"; readonly message: string; readonly unavailable: boolean }
  | { readonly say: "counters"; readonly counters: Counters }
  | { readonly say: "stopped"; readonly counters: Counters }
  | { readonly say: "log"; readonly line: string };

/** What runs in a worker. */
export interface WorkerTransport<Counters> extends RunningTransport {
  /** What happened so far; works after disposing as well. Left out by a transport that counts nothing. */
  counters?(): Counters;
}

/** What each transport in a worker is started with, besides what the parent says. */
export interface InWorker {
  /** Every worker listens on the same port. */
  readonly reusePort: true;
  /** Sends a line to the parent, for the gateway's log. */
  readonly log: (line: string) => void;
}

/** The part of a worker's global scope that is used here. */
interface WorkerScope<Start, Counters> {
  onmessage: ((event: MessageEvent<ToWorker<Start>>) => void) | null;
  postMessage(message: FromWorker<Counters>): void;
  close(): void;
}

/** Does what the parent says, for as long as the worker lives. */
export function serveParent<Start, Counters = undefined>(
  startTransport: (start: Start, inWorker: InWorker) => WorkerTransport<Counters>,
): void {
  const scope = self as unknown as WorkerScope<Start, Counters>;
  const inWorker: InWorker = {
    reusePort: true,
    log: (line) => scope.postMessage({ say: "log", line }),
  };
  const count = () => transport!.counters?.() as Counters;
  let transport: WorkerTransport<Counters> | undefined;
  scope.onmessage = async ({ data }) => {
    if (data.ask === "start") {
      try {
        transport = startTransport(data.start, inWorker);
        scope.postMessage({ say: "listening", address: transport.address });
      } catch (error) {
        scope.postMessage({
          say: "failed",
          message: messageOf(error),
          unavailable: error instanceof UnavailableError,
        });
      }
    } else if (data.ask === "counters") {
      scope.postMessage({ say: "counters", counters: count() });
    } else {
      await transport?.[Symbol.asyncDispose]();
      scope.postMessage({ say: "stopped", counters: count() });
      scope.close();
    }
  };
}

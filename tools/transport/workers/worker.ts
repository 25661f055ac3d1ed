/**
 * A worker's side of several threads that share a port: it runs a transport as the parent's messages say.
 *
 * @module
 */

import { messageOf, UnavailableError } from "../../errors.ts";
import type { ListenAddress } from "../../server/address.ts";
import type { RunningTransport } from "../transport.ts";

/** Messages to a worker. */
export type ToWorker<Start> =
  | { readonly ask: "start"; readonly start: Start }
  | { readonly ask: "counters" }
  | { readonly ask: "stop" };

/** Messages from a worker: one answer to each message that it gets, and lines for the log. */
export type FromWorker<Counters> =
  | { readonly say: "listening"; readonly address: ListenAddress }
  | { readonly say: "failed"; readonly message: string; readonly unavailable: boolean }
  | { readonly say: "counters"; readonly counters: Counters }
  | { readonly say: "stopped"; readonly counters: Counters }
  | { readonly say: "log"; readonly line: string };

/** A transport that runs in a worker. */
export interface WorkerTransport<Counters> extends RunningTransport {
  /**
   * What has happened so far. Works after disposing as well. A transport that counts nothing leaves it out.
   */
  counters?(): Counters;
}

/** Options of every transport in a worker, besides those that the parent sends. */
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

/** Starts, stops and counts a transport as the parent says, for as long as the worker lives. */
export function serveParent<Start, Counters = undefined>(
  startTransport: (
    start: Start,
    inWorker: InWorker,
  ) => WorkerTransport<Counters> | Promise<WorkerTransport<Counters>>,
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
        transport = await startTransport(data.start, inWorker);
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

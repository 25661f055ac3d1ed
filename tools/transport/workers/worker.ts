import { messageOf } from "../../errors.ts";
import { type ListenAddress } from "../../server/address.ts";
/**
 * One of several threads that share a port, as seen from within: a transport whose parent speaks to it by messages.
 *
 * @module
 */

/** What a worker is told. */
export type ToWorker<Start> =
  | { readonly ask: "start"; readonly start: Start }
  | { readonly ask: "counters" }
  | { readonly ask: "stop" };

/** What a worker says: one answer to each thing that it is told, and lines for the log. */
export type FromWorker<Counters> =
  | { readonly say: "listening"; readonly address: ListenAddress }
  | { readonly say: "failed"; readonly message: string }
  | { readonly say: "counters"; readonly counters: Counters }
  | { readonly say: "stopped"; readonly counters: Counters }
  | { readonly say: "log"; readonly line: string };

/** What runs in a worker. */
export interface WorkerTransport<Counters> extends AsyncDisposable {
  /** Where it listens. */
  readonly address: ListenAddress;
  /** What happened so far; works after disposing as well. */
  counters(): Counters;
}

/** The part of a worker's global scope that is used here. */
interface WorkerScope<Start, Counters> {
  onmessage: ((event: MessageEvent<ToWorker<Start>>) => void) | null;
  postMessage(message: FromWorker<Counters>): void;
  close(): void;
}

/** Does what the parent says, for as long as the worker lives. */
export function serveParent<Start, Counters>(
  startTransport: (start: Start, log: (line: string) => void) => WorkerTransport<Counters>,
): void {
  const scope = self as unknown as WorkerScope<Start, Counters>;
  let transport: WorkerTransport<Counters> | undefined;
  scope.onmessage = async ({ data }) => {
    if (data.ask === "start") {
      try {
        transport = startTransport(data.start, (line) => scope.postMessage({ say: "log", line }));
        scope.postMessage({ say: "listening", address: transport.address });
      } catch (error) {
        scope.postMessage({ say: "failed", message: messageOf(error) });
      }
    } else if (data.ask === "counters") {
      scope.postMessage({ say: "counters", counters: transport!.counters() });
    } else {
      await transport?.[Symbol.asyncDispose]();
      scope.postMessage({ say: "stopped", counters: transport!.counters() });
      scope.close();
    }
  };
}

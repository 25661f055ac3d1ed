/**
 * A worker with a transport that does nothing, and fails when it is told to. As a script: two workers, the
 * second of which fails.
 */

import { UnavailableError } from "../../tools/errors.ts";
import { serveParent } from "../../tools/transport/workers/worker.ts";
import { startWorkers } from "../../tools/transport/workers/workers.ts";

/** The start message. */
export interface IdleStart {
  /**
   * When it fails: at its start, because something is not available, or soon after with an error that nobody
   * catches.
   */
  readonly fails: "never" | "at start" | "soon";
}

const address = { hostname: "127.0.0.1", port: 0 };

if ("DedicatedWorkerGlobalScope" in globalThis) {
  serveParent<IdleStart, string>(({ fails }) => {
    if (fails === "at start") throw new UnavailableError("the port is in use");
    if (fails === "soon") setTimeout(fail, 0);
    return {
      address,
      counters: () => "counted",
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  });
} else if (import.meta.main) {
  await startWorkers<IdleStart, string>({
    script: new URL(import.meta.url),
    count: 2,
    listen: address,
    log: () => {},
    startOf: (index) => ({ fails: index === 1 ? "soon" : "never" }),
  });
}

function fail(): never {
  throw new Error("a fault of the worker");
}

/** A worker with a transport that does nothing, and fails where it is told. As a script: two of them, the second of which fails. */

import { serveParent } from "../../tools/transport/workers/worker.ts";
import { startWorkers } from "../../tools/transport/workers/workers.ts";

/** What it is told. */
export interface IdleStart {
  /** When it throws what nobody catches. */
  readonly fails: "never" | "soon";
}

const address = { hostname: "127.0.0.1", port: 0 };

if ("DedicatedWorkerGlobalScope" in globalThis) {
  serveParent<IdleStart, string>(({ fails }) => {
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

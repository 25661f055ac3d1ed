/**
 * The **backend** in this process: the server at the end, which gives every request the same response.
 *
 * @module
 */

import type { BackendPlan } from "../scenario/plan.ts";
import { resolveBackend } from "../scenario/resolve.ts";
import type { Backend, Duration } from "../scenario/scenario.ts";
import { parseDurationMs } from "../scenario/units.ts";
import { ByteConn, type Carrier } from "../http1/byte_conn.ts";
import type { Witness } from "../observe/witness.ts";
import { acceptAll } from "../server/accept.ts";
import { authorityOf, type ListenAddress, parseListen } from "../server/address.ts";
import { type RunningServer, within } from "../server/http_server.ts";
import { listenOn } from "../server/listener.ts";
import { Answers } from "./backend_answers.ts";
import { BackendSession, type BackendShared } from "./backend_session.ts";
import { ConnectionLog } from "./connection_log.ts";

/** How a backend answers, and where. */
export interface BackendOptions extends Backend {
  /**
   * Where to listen, as `HOST:PORT` or as an object. Port 0 asks the kernel for a free one. Default
   * `127.0.0.1:8081`.
   */
  readonly listen?: string | ListenAddress | undefined;
  /** How long a stop waits for requests in flight before it cuts them (ms). Default 10 s. */
  readonly grace?: Duration | undefined;
}

/** {@linkcode BackendOptions} with every default filled in. */
export interface BackendServerPlan extends BackendPlan {
  /** Where to listen. */
  readonly listen: ListenAddress;
  /** How long a stop waits for requests in flight, in milliseconds. */
  readonly graceMs: number;
}

/**
 * A backend that runs. Disposing it stops accepting, waits for requests in flight for `grace`, then cuts the
 * rest.
 */
export interface RunningBackend extends RunningServer {
  /** `http://HOST:PORT`. */
  readonly url: string;
  /**
   * Requests answered so far. A request whose client has left counts too, once its answer was handed over.
   */
  readonly requests: number;
  /**
   * What it has seen of its connections since the last call, or since its start. It begins to count anew.
   */
  witness(): Witness;
}

/**
 * Fills in the defaults.
 *
 * @throws {TimewaitError} for a value that does not fit.
 */
export function resolveBackendServer(
  { listen = "127.0.0.1:8081", grace = "10s", ...backend }: BackendOptions = {},
): BackendServerPlan {
  return {
    ...resolveBackend(backend),
    listen: typeof listen === "string" ? parseListen(listen, "listen") : listen,
    graceMs: parseDurationMs(grace, "grace"),
  };
}

/**
 * Starts a backend in this process. It reads each request to its end, whatever the method, and then answers.
 * What cannot be a request is refused, most of it with 400, and its connection is closed.
 *
 * @throws {TimewaitError} for an option that does not fit, and for an address on which it cannot listen.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { startBackend } from "./backend_server.ts";
 *
 * await using backend = startBackend({ listen: "127.0.0.1:0", latency: "5ms", bodyBytes: "1KiB" });
 * const body = await (await fetch(backend.url)).bytes();
 * assertEquals(body.length, 1024);
 * ```
 */
export function startBackend(options: BackendOptions = {}): RunningBackend {
  return startBackendServer(resolveBackendServer(options));
}

/** Starts a backend as its plan says. */
export function startBackendServer(plan: BackendServerPlan): RunningBackend {
  const { latencyMs, bodyBytes, status, graceMs } = plan;
  const listener = listenOn(plan.listen);
  const { hostname, port } = listener.addr as Deno.NetAddr;
  const address = { hostname, port };
  const backend = authorityOf(address);
  const log = new ConnectionLog();
  const answers = new Answers(bodyBytes);
  const shared: BackendShared = { log, answers, latencyMs, status, stopping: false, requests: 0 };
  const sessions = new Set<BackendSession>();
  const emptied = Promise.withResolvers<void>();
  const accepting = acceptAll(listener, (tcp) => {
    const session = new BackendSession(new ByteConn<Carrier>(tcp), shared);
    sessions.add(session);
    session.run().then(() => {
      sessions.delete(session);
      if (shared.stopping && sessions.size === 0) emptied.resolve();
    });
  });
  return {
    address,
    url: `http://${backend}`,
    get requests() {
      return shared.requests;
    },
    witness: () => log.summary(backend),
    async [Symbol.asyncDispose]() {
      if (shared.stopping) return emptied.promise;
      shared.stopping = true;
      accepting.stop();
      for (const session of sessions) session.stop();
      if (sessions.size === 0) return emptied.resolve();
      if (await within(graceMs, emptied.promise)) return;
      for (const session of sessions) session.cut();
      if (await within(CUT_MS, emptied.promise)) return;
      for (const session of sessions) session.cut();
      await emptied.promise;
    },
  };
}

/** Time that requests may take to end after they were cut, in milliseconds. */
const CUT_MS = 1_000;

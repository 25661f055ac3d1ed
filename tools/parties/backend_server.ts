/**
 * The **backend** in this process: the server at the end, which gives every request the same response.
 *
 * @module
 */

import type { BackendPlan } from "../scenario/plan.ts";
import { resolveBackend } from "../scenario/resolve.ts";
import type { Duration, OwnBackend } from "../scenario/scenario.ts";
import { parseDurationMs } from "../scenario/units.ts";
import { ByteConn, type Carrier } from "../http1/byte_conn.ts";
import type { Witness } from "../observe/witness.ts";
import { acceptAll, type Accepting } from "../server/accept.ts";
import { authorityOf, type ListenAddress, parseListen } from "../server/address.ts";
import { type RunningServer, within } from "../server/http_server.ts";
import { listenOn } from "../server/listener.ts";
import { Answers } from "./backend/answers.ts";
import { BackendSession, type BackendShared } from "./backend/session.ts";
import { drawsOf } from "./backend/draws.ts";
import { ConnectionLog } from "./backend/connection_log.ts";
import { IdleDeadlines } from "./backend/idle_deadlines.ts";
import { acceptResettable } from "./backend/resettable.ts";

/** How a backend answers, and where. */
export interface BackendOptions extends OwnBackend {
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
  const { graceMs, idleTimeoutMs } = plan;
  const idle = idleTimeoutMs === undefined ? undefined : new IdleDeadlines(idleTimeoutMs);
  const shared: BackendShared = {
    log: new ConnectionLog(),
    answers: new Answers(plan.bodyBytes, plan.http10 ? "1.0" : "1.1"),
    plan,
    draws: drawsOf(plan),
    idle,
    stopping: false,
    requests: 0,
  };
  const sessions = new Set<BackendSession>();
  const emptied = Promise.withResolvers<void>();
  const serve = (carrier: Carrier) => {
    const session = new BackendSession(new ByteConn(carrier), shared);
    sessions.add(session);
    session.run().then(() => {
      sessions.delete(session);
      if (shared.stopping && sessions.size === 0) emptied.resolve();
    });
  };
  const { address, accepting } = listenFor(plan, serve);
  const backend = authorityOf(address);
  return {
    address,
    url: `http://${backend}`,
    get requests() {
      return shared.requests;
    },
    witness: () => shared.log.summary(backend),
    async [Symbol.asyncDispose]() {
      if (shared.stopping) return emptied.promise;
      shared.stopping = true;
      accepting.stop();
      idle?.[Symbol.dispose]();
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

/** Listens with what can end connections as the plan says. */
function listenFor(
  { listen, closeBy }: BackendServerPlan,
  serve: (carrier: Carrier) => void,
): { address: ListenAddress; accepting: Accepting } {
  if (closeBy === "rst") return acceptResettable(listen, serve);
  const listener = listenOn(listen);
  const { hostname, port } = listener.addr as Deno.NetAddr;
  return { address: { hostname, port }, accepting: acceptAll(listener, serve) };
}

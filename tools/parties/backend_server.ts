/**
 * The **backend** in this process: the server at the end, which gives every request the same response.
 *
 * @module
 */

import type { BackendPlan } from "../scenario/plan.ts";
import { resolveBackend } from "../scenario/resolve.ts";
import type { Backend, Duration } from "../scenario/scenario.ts";
import { parseDurationMs } from "../scenario/units.ts";
import { type ListenAddress, parseListen } from "../server/address.ts";
import { type RunningServer, serveHttp } from "../server/http_server.ts";

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
}

/** Statuses whose responses have no body; for 205 see RFC 9110 §15.3.6. */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/**
 * The largest request body that is read in one go. A larger one, or one of unknown length, is read chunk by
 * chunk.
 */
const READ_AT_ONCE_BYTES = 65_536;

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
 * The content of a GET or HEAD is the exception: `Deno.serve` reads it after the answer.
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
export function startBackendServer(
  { listen, latencyMs, bodyBytes, status, graceMs }: BackendServerPlan,
): RunningBackend {
  const body = NULL_BODY_STATUSES.includes(status) ? null : "x".repeat(bodyBytes);
  const init = { status };
  let requests = 0;

  const answer = () => {
    requests++;
    return new Response(body, init);
  };
  const waiting = new Map<ReturnType<typeof setTimeout>, () => void>();
  const answerInTime = (): Response | Promise<Response> => {
    if (latencyMs === 0) return answer();
    const { promise, resolve } = Promise.withResolvers<Response>();
    const timer = setTimeout(() => {
      waiting.delete(timer);
      resolve(answer());
    }, latencyMs);
    waiting.set(timer, () => resolve(answer()));
    return promise;
  };
  const answerAtOnce = () => {
    for (const [timer, answerNow] of waiting) {
      clearTimeout(timer);
      answerNow();
    }
    waiting.clear();
  };
  const server = serveHttp({ listen, graceMs, cut: answerAtOnce }, (request) => {
    if (request.method === "GET" || request.method === "HEAD") return answerInTime();
    return readToEnd(request).then(answerInTime);
  });
  return {
    address: server.address,
    url: server.url,
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function readToEnd(request: Request): Promise<void> {
  const length = request.headers.get("content-length");
  try {
    if (length !== null && Number(length) <= READ_AT_ONCE_BYTES) await request.bytes();
    else if (request.body !== null) { for await (const _ of request.body); }
  } catch {
    // The client has left in the middle of its body. There is nobody to answer.
  }
}

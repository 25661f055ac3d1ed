/**
 * `Deno.serve` as the measured parties need it: with a backlog that a thousand clients at once do not
 * overflow, an error that says what to do when the port is taken, a life beyond a failure to accept, and a
 * stop that is graceful and bounded.
 *
 * @module
 */

import { UnavailableError } from "../errors.ts";
import { authorityOf, type ListenAddress, whyNotListening } from "./address.ts";
import { type LastingServer, startLastingServer } from "./lasting_server.ts";
import { BACKLOG } from "./listener.ts";

/** Options of {@linkcode serveHttp}. */
export interface HttpServerOptions {
  /** Where to listen. Port 0 asks the kernel for a free one. */
  readonly listen: ListenAddress;
  /**
   * Whether other threads listen on the same port, and the kernel shares the clients among them. Needs
   * `--unstable-net`. Default false.
   */
  readonly reusePort?: boolean;
  /** Time that a stop waits for requests in flight before it cuts them, in milliseconds. 0 cuts at once. */
  readonly graceMs: number;
  /**
   * Ends the requests that are still in flight after `graceMs`: each gets an answer or loses its connection.
   */
  readonly cut: () => void;
  /** Receives a line when clients cannot be accepted, as when the file descriptors have run out. */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * A running server. Disposing it stops accepting, waits up to `graceMs` for the requests in flight, then cuts
 * the rest.
 */
export interface RunningServer extends AsyncDisposable {
  /** Where the server listens, with the real port if port 0 was asked for. */
  readonly address: ListenAddress;
  /** `http://HOST:PORT`. */
  readonly url: string;
}

/**
 * Serves HTTP/1.1 until it is disposed. When accepting fails, it listens again.
 *
 * A stop ends accepting at once, except while an upload is in flight, which `Deno.serve` would break off. An
 * upload is a request with more than 64 KiB of content, or with content of unknown length. Uploads that begin
 * after the stop are answered with 503.
 *
 * @throws {UnavailableError} where the address cannot be listened on, in one line that says what to do.
 */
export function serveHttp(
  options: HttpServerOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): RunningServer {
  const { listen: { hostname, port }, reusePort = false, graceMs, cut, log } = options;
  const uploads = countUploads(handler);
  const serve: Deno.ServeHandler<Deno.NetAddr> = (request, info) =>
    (isUpload(request) ? uploads.handler : handler)(request, info);
  let server: LastingServer;
  try {
    const where = { hostname, port, reusePort, tcpBacklog: BACKLOG, onListen() {} };
    server = startLastingServer(where, serve, log);
  } catch (error) {
    throw new UnavailableError(whyNotListening(options.listen, error), { cause: error });
  }
  const address = { hostname: server.addr.hostname, port: server.addr.port };
  return {
    address,
    url: `http://${authorityOf(address)}`,
    async [Symbol.asyncDispose]() {
      const until = performance.now() + graceMs;
      await within(graceMs, uploads.end());
      const drained = server.shutdown();
      if (await within(Math.max(0, until - performance.now()), drained)) return;
      cut();
      // A client that neither reads nor leaves is left now. Deno cannot close its connection; the end of the
      // process does.
      await within(CUT_MS, drained);
    },
  };
}

function isUpload({ method, headers }: Request): boolean {
  if (method === "GET" || method === "HEAD") return false;
  return Number(headers.get("content-length")) > UPLOAD_BYTES || headers.has("transfer-encoding");
}

/** Wraps a handler so that uploads in flight are counted. */
function countUploads(handler: Deno.ServeHandler<Deno.NetAddr>) {
  const ended = Promise.withResolvers<void>();
  let underWay = 0;
  let ending = false;
  return {
    async handler(request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>): Promise<Response> {
      if (ending) return new Response("this server is stopping\n", { status: 503 });
      underWay++;
      try {
        return await handler(request, info);
      } finally {
        underWay--;
        if (ending && underWay === 0) ended.resolve();
      }
    },
    /** Accepts no more uploads, and resolves once the uploads in flight have their answers. */
    end(): Promise<void> {
      ending = true;
      if (underWay === 0) ended.resolve();
      return ended.promise;
    },
  };
}

/**
 * A request with more content than this is an upload: the content need not have arrived when the handler is
 * called.
 */
const UPLOAD_BYTES = 65_536;

/** Time that requests may take to end after they were cut. */
const CUT_MS = 1_000;

/**
 * Whether the promise is resolved within `ms`. Unlike std's `deadline`, it clears its timer, which would
 * outlive the server.
 */
export async function within(ms: number, promise: Promise<void>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

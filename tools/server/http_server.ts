/**
 * `Deno.serve` as the measured parties need it: a backlog that a thousand clients at once do not overflow, an
 * error that says what to do when the port is taken, and a stop that is graceful and bounded.
 *
 * @module
 */

import { UnavailableError } from "../errors.ts";
import { authorityOf, type ListenAddress, whyNotListening } from "./address.ts";
import { BACKLOG } from "./listener.ts";

/** What {@linkcode serveHttp} needs to know. */
export interface HttpServerOptions {
  /** Where to listen. Port 0 asks the kernel for a free one. */
  readonly listen: ListenAddress;
  /** Whether others listen on the same port, and the kernel shares the clients among them. Needs `--unstable-net`. Default false. */
  readonly reusePort?: boolean;
  /** How long a stop waits for requests in flight before it cuts them, in milliseconds. 0 cuts at once. */
  readonly graceMs: number;
  /** Ends what is still in flight after `graceMs`, so that each request gets an answer or loses its connection. */
  readonly cut: () => void;
}

/** A server that runs. Disposing it stops accepting, waits for the requests in flight for `graceMs`, then cuts the rest. */
export interface RunningServer extends AsyncDisposable {
  /** Where it listens: the port is the real one, also where 0 was asked for. */
  readonly address: ListenAddress;
  /** `http://HOST:PORT`. */
  readonly url: string;
}

/**
 * Serves HTTP/1.1 until it is disposed.
 *
 * A stop ends accepting at once, except while an upload is in flight, for `Deno.serve` would break it off: a request
 * with more than 64 KiB of content, or of unknown length. Uploads that begin after the stop are answered with 503.
 *
 * @throws {UnavailableError} where the address cannot be listened on, in one line that says what to do.
 */
export function serveHttp(
  options: HttpServerOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): RunningServer {
  const { listen: { hostname, port }, reusePort = false, graceMs, cut } = options;
  const uploads = countUploads(handler);
  const serve: Deno.ServeHandler<Deno.NetAddr> = (request, info) =>
    (isUpload(request) ? uploads.handler : handler)(request, info);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname, port, reusePort, tcpBacklog: BACKLOG, onListen() {} }, serve);
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
      // What is left now is a client that neither reads nor leaves. Deno cannot close its connection; the process's end does.
      await within(CUT_MS, drained);
    },
  };
}

function isUpload({ method, headers }: Request): boolean {
  if (method === "GET" || method === "HEAD") return false;
  return Number(headers.get("content-length")) > UPLOAD_BYTES || headers.has("transfer-encoding");
}

/** A handler that knows how many uploads it has in hand. */
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
    /** Takes no more of them, and resolves once those under way have their answers. */
    end(): Promise<void> {
      ending = true;
      if (underWay === 0) ended.resolve();
      return ended.promise;
    },
  };
}

/** A request with more content than this is an upload: it need not have arrived when its handler is called. */
const UPLOAD_BYTES = 65_536;

/** How long requests that were cut may take to be gone. */
const CUT_MS = 1_000;

/** Whether the promise is resolved within so many milliseconds. */
async function within(ms: number, promise: Promise<void>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

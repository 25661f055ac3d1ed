/**
 * The **backend**: the server at the end, which answers every request with the same response.
 *
 * As a script: `deno task backend --listen 127.0.0.1:8081 --latency 70ms`. As a module: {@linkcode startBackend}.
 *
 * @module
 */

import {
  type ListenAddress,
  type Main,
  mainOf,
  parseBytes,
  parseDurationMs,
  parseListen,
  parseWhole,
  runAsScript,
  UsageError,
  valueFlag,
} from "./cli/command_line.ts";
import { aborted, authorityOf, type RunningServer, serveHttp } from "./server/http_server.ts";

/** How a backend answers. `undefined` means the default. */
export interface BackendOptions {
  /** Where to listen. Default 127.0.0.1:8081; port 0 asks the kernel for a free one. */
  readonly listen?: ListenAddress | undefined;
  /** Added to each answer, in milliseconds, once the request has been read. Default 0: no timer is involved. */
  readonly latencyMs?: number | undefined;
  /** Size of each response body in bytes, up to 256 MiB. Default 12; 0 is an empty body. */
  readonly bodyBytes?: number | undefined;
  /** Status of each response, 200 to 599. Default 200; 204, 205 and 304 carry no body (RFC 9110 §6.4.1). */
  readonly status?: number | undefined;
  /** How long a stop waits for requests in flight before it cuts them, in milliseconds. Default 10 s. */
  readonly graceMs?: number | undefined;
}

/** {@linkcode BackendOptions} with every default filled in. */
export interface ResolvedBackendOptions {
  /** Where to listen. */
  readonly listen: ListenAddress;
  /** Added to each answer, in milliseconds. */
  readonly latencyMs: number;
  /** Size of each response body in bytes. */
  readonly bodyBytes: number;
  /** Status of each response. */
  readonly status: number;
  /** How long a stop waits for requests in flight, in milliseconds. */
  readonly graceMs: number;
}

/** A backend that runs. Disposing it stops accepting, waits for requests in flight for `graceMs`, then cuts the rest. */
export interface RunningBackend extends RunningServer {
  /** The requests answered so far; one cut short by its client is counted once its answer was handed over. */
  readonly requests: number;
}

/** Statuses whose responses have no body. 205 is among them: RFC 9110 §15.3.6. */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/** A request body up to this size is read in one go; a longer one, or one of unknown length, chunk by chunk. */
const READ_AT_ONCE_BYTES = 65_536;

/** The largest response body: it is kept in memory once, and sent from there. */
const MAX_BODY_BYTES = 256 * 1024 ** 2;

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} where the status or the size of the body is out of range.
 */
export function resolveBackendOptions(options: BackendOptions = {}): ResolvedBackendOptions {
  const {
    listen = { hostname: "127.0.0.1", port: 8081 },
    latencyMs = 0,
    bodyBytes = 12,
    status = 200,
    graceMs = 10_000,
  } = options;
  if (!(status >= 200 && status <= 599)) throw new RangeError(`a status is 200 to 599, not ${status}`);
  if (!(bodyBytes >= 0 && bodyBytes <= MAX_BODY_BYTES)) {
    throw new RangeError(`a response body has 0 bytes to 256MiB, not ${bodyBytes} bytes`);
  }
  return { listen, latencyMs, bodyBytes, status, graceMs };
}

/**
 * Starts a backend: it reads each request to its end, whatever the method, and then answers. The content of a GET
 * or HEAD is read by `Deno.serve`, after the answer.
 *
 * @throws {RangeError} where the status or the size of the body is out of range.
 * @throws {Error} where the address cannot be listened on.
 */
export function startBackend(options: BackendOptions = {}): RunningBackend {
  const { listen, latencyMs, bodyBytes, status, graceMs } = resolveBackendOptions(options);
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
    // The client went away in the middle of its body: there is nobody to answer.
  }
}

function parseBodyBytes(text: string, name: string): number {
  const bytes = parseBytes(text, name);
  if (bytes > MAX_BODY_BYTES) throw new UsageError(`${name} takes up to 256MiB, not ${text}`);
  return bytes;
}

/** The command, as a function: see {@linkcode Main}. Returns 0 once `signal` has stopped it. */
export const main: Main = mainOf({
  name: "backend",
  summary: "A keep-alive HTTP/1.1 server that gives every request the same answer.",
  flags: {
    listen: valueFlag("HOST:PORT", "where to listen (default 127.0.0.1:8081)", parseListen, undefined),
    latency: valueFlag("DURATION", "added to each answer (default 0)", parseDurationMs, undefined),
    bodyBytes: valueFlag(
      "SIZE",
      "size of each response body, up to 256MiB (default 12)",
      parseBodyBytes,
      undefined,
    ),
    status: valueFlag(
      "N",
      "status of each response, 200 to 599 (default 200)",
      parseWhole(200, 599),
      undefined,
    ),
    countEvery: valueFlag("DURATION", "print `requests N` this often (default 0: never)", parseDurationMs, 0),
  },
  examples: ["deno task backend --listen 127.0.0.1:8081 --latency 70ms --body-bytes 4KiB"],
  async run({ listen, latency, bodyBytes, status, countEvery }, _positionals, signal) {
    await using backend = startBackend({ listen, latencyMs: latency, bodyBytes, status });
    console.log(`listening on http://${authorityOf(backend.address)}`);
    const printCount = () => console.log(`requests ${backend.requests}`);
    const timer = countEvery === 0 ? undefined : setInterval(printCount, countEvery);
    await aborted(signal);
    clearInterval(timer);
    return 0;
  },
});

if (import.meta.main) {
  await runAsScript(main);
  // What the stop could not end, such as a client that does not read, must not keep the process. The exit code is set.
  Deno.exit();
}

/**
 * The `http-client` transport: `Deno.serve` towards the clients, `fetch` over one `Deno.HttpClient` towards
 * the upstream.
 *
 * `fetch` was made for programs that want an answer, not for a proxy that must forward what it got. This
 * transport mends what it can, and refuses what it cannot forward unchanged. With Deno 2.9.6:
 *
 * | of the request | is |
 * |---|---|
 * | a target that `fetch` would rewrite (`/a/../b`, `/a\\b`, `?'`, `#`), or that is neither a path nor an `http` URL | refused: 400 |
 * | a path that begins like a URL without a host, such as `/file:///x` | refused: 400, for `Deno.serve` does not tell it from that URL |
 * | no `Host`, or one that is none (also in HTTP/1.0, for `Deno.serve` does not tell the version) | refused: 400 |
 * | `CONNECT`, `TRACE`, `TRACK`; `delete` and other names that `fetch` would raise; `OPTIONS *` | refused: 501 |
 * | `OPTIONS` for an absolute target without a path, which asks about the whole server | sent as `OPTIONS /`, for `Deno.serve` does not tell them apart |
 * | content in a GET or HEAD | refused: 501 |
 * | `Upgrade` | removed: a WebSocket is not tunnelled |
 * | no `Accept`, `Accept-Language` or `User-Agent` | filled in by `fetch`: `*\/*`, `*`, `Deno/2.9.6` |
 * | no `Accept-Encoding` | filled in: `identity` |
 * | the order and the case of field names; repeated fields | sorted and in lower case; joined by `, ` (`Cookie`: `; `) |
 * | a method that may not be repeated, without content (a bare POST) | sent with an empty chunked body, for `fetch` sends it twice otherwise |
 * | trailers, and the field `Trailer` | dropped |
 * | `Via` | extended by `1.1 timewait-…`, a name that no other gateway has, also for a client of HTTP/1.0 |
 * | a `Via` that has this name already, as where the upstream is the gateway itself | refused: 508 |
 * | `Expect: 100-continue` | forwarded; but the 100 comes from `Deno.serve`, as soon as the upstream is connected |
 *
 * | of the response | is |
 * |---|---|
 * | content coded with gzip or br, if the client sent an `Accept-Encoding` other than `identity` and no `Range` | decoded by `fetch`, and labelled so: without `Content-Encoding`, with a weak `ETag` |
 * | other compressed content | passed untouched |
 * | several content codings of which the first is gzip or br, where `fetch` decodes | refused: 502, for it may have undone the first |
 * | a 206 that `fetch` would decode, `Transfer-Encoding` other than chunked or beside `Content-Length`, a status outside 200 to 599 | refused: 502 |
 * | more than 100 fields, or a head over 400 KiB | refused: 502 |
 * | the reason phrase; trailers; 1xx (103 Early Hints) | dropped |
 * | 205 | passed without `Content-Length`, which `Deno.serve` removes: the client may wait for more |
 * | a GET, HEAD, OPTIONS, PUT or DELETE whose reused connection ends before the head of its response is complete | sent again, also behind a part of that head |
 * | lines that end in a bare LF | accepted |
 *
 * `Deno.serve` parses the requests. It answers 400, or closes, if a request has both `Content-Length` and
 * `Transfer-Encoding`, lengths that differ, NUL or a bare CR in a field, a folded field, a space before the
 * colon, or a bad chunk size. The following cannot be mended from here:
 *
 * - It accepts lines that end in a bare LF, and white space around a chunk size.
 * - It answers 400 where 414, 431 or 505 would say more, and where 501 would for an unknown transfer coding
 *   that is the last.
 * - It refuses HTTP/1.2, which RFC 9110 §2.5 treats as 1.1.
 * - It answers `Connection: keep-alive` to a client of HTTP/1.0 that asks for it, whatever the response says,
 *   and closes after content that is a stream. So content of up to 64 KiB with a length goes to a client that
 *   sends `Connection: keep-alive` in one piece, once it is complete: that connection is kept. After longer
 *   content it closes, and at a stop it says both `close` and `keep-alive`.
 * - It closes in one go (RFC 9112 §9.6 asks for stages): a byte that comes after that resets the connection,
 *   and takes from the client what it has not read.
 * - It gives a client of HTTP/1.0 the interim 100.
 * - It drops the connection of a client that shuts down its sending side before the response.
 * - It keeps the connection after a refusal, although the refusal says `Connection: close`. The next request
 *   on that connection is not carried, and ends the connection.
 * - It speaks HTTP/2 to a client that begins with it.
 * - It closes its listener when the file descriptors have run out. The gateway listens again after 10 ms;
 *   until then clients are refused, and those that wait to be accepted are reset.
 *
 * Nothing limits the time that an upstream takes. A client can tell a response that breaks off from a
 * complete one, except a client of HTTP/1.0 whose response has no length: its connection ends with a FIN
 * either way, because Deno cannot reset a connection.
 *
 * The pool has one gate, a limit for each host, where Go's `http.Transport` has two: `Deno.HttpClient` has no
 * total limit. So the trap of Go's defaults cannot be shown here: `MaxIdleConnsPerHost` = 200 with
 * `MaxIdleConns` left at 100 keeps 100 connections, not 200, and nothing says so. With `poolMaxIdlePerHost` =
 * 200 this transport keeps 200. `net-http` has both gates, and warns.
 *
 * @module
 */

import { serveHttp } from "../../server/http_server.ts";
import { startFailureLog } from "../failure_log.ts";
import { withoutProxyVariables } from "./environment_proxy.ts";
import { watchExchanges } from "./exchanges.ts";
import { explainFetchError } from "./fetch_error.ts";
import {
  type Asked,
  emptyStream,
  fetchDecodes,
  fieldsOf,
  toClient,
  whyNotPassedOn,
} from "./fetch_response.ts";
import { fetchKeepsMethod, fetchKeepsTarget, splitUrl } from "./fetch_target.ts";
import {
  countedForwards,
  type Field,
  forwardedRequestFields,
  hasBeenHere,
  LOOP,
  makePseudonym,
} from "../../http1/forwarding_rules.ts";
import { statusForCodings } from "../../http1/framing.ts";
import { IDEMPOTENT_METHODS } from "../../http1/request.ts";
import { asksToKeepAlive, BrokenOffError, inOnePiece } from "./whole_response.ts";
import { closingResponse, RefusedClients } from "./refused_clients.ts";
import { StreamedBody } from "./streamed_body.ts";
import type { RunningTransport, TransportOptions } from "../transport.ts";

/** Options of the `http-client` transport. */
export interface HttpClientTransportOptions extends TransportOptions {
  /**
   * Idle connections kept for the upstream; 0 keeps none, `false` sets no limit. Connections in use are not
   * limited.
   */
  readonly poolMaxIdlePerHost: number | false;
  /**
   * How long an idle connection is kept, in milliseconds; 0 keeps none, `false` keeps it until the upstream
   * closes it.
   */
  readonly poolIdleTimeoutMs: number | false;
  /**
   * Whether other threads listen on the same port, and the kernel shares the clients among them. Needs
   * `--unstable-net`. Default false.
   */
  readonly reusePort?: boolean | undefined;
}

/** A request in a form that `fetch` sends without changing its meaning. */
interface Carried extends Asked {
  readonly target: string;
  readonly headers: [string, string][];
  readonly body: StreamedBody | null;
}

/** Why the gateway answers a request itself. */
class Refusal {
  constructor(readonly status: number, readonly reason: string) {}
}

/**
 * Starts the transport.
 *
 * @throws {UnavailableError} where the address cannot be listened on.
 */
export function startHttpClientTransport(options: HttpClientTransportOptions): RunningTransport {
  const { upstream, listen, graceMs, log, reusePort = false } = options;
  using starting = new DisposableStack();
  const client = starting.use(createClient(options));
  const failures = starting.use(startFailureLog(upstream.host, log));
  const exchanges = starting.use(watchExchanges());
  const refused = new RefusedClients();
  const origin = upstream.origin;
  const pseudonym = makePseudonym();
  let stopping = false;
  const own = (status: number, reason: string) => {
    const answer = plainText(status, reason);
    return stopping ? lastOf(answer) : answer;
  };

  const server = serveHttp(
    { listen, reusePort, graceMs, cut: exchanges.abortAll, log },
    async (request, info) => {
      if (refused.has(info.remoteAddr)) return closingResponse();
      const carried = carry(request, { address: info.remoteAddr.hostname, pseudonym });
      if (carried instanceof Refusal) {
        refused.add(info.remoteAddr);
        return plainText(carried.status, carried.reason);
      }
      const { method, target, headers, body } = carried;
      using exchange = exchanges.begin(request);
      const { signal } = exchange;
      try {
        const response = await fetch(origin + target, {
          client,
          method,
          headers,
          body,
          redirect: "manual",
          signal,
        });
        const failure = whyNotPassedOn(response, carried);
        if (failure === undefined) {
          const answer = toClient(response, carried);
          const whole = asksToKeepAlive(request) ? await inOnePiece(answer) : answer;
          return stopping ? lastOf(whole) : whole;
        }
        await response.body?.cancel();
        failures.add(failure);
        return own(502, `the upstream's response cannot be used: ${failure.reason}`);
      } catch (error) {
        if (signal.aborted) return own(503, "the client has gone, or the gateway is stopping");
        if (error instanceof BrokenOffError) {
          failures.add(error.failure);
          return own(502, `the upstream failed: ${error.failure.code} (${error.failure.reason})`);
        }
        const failure = explainFetchError(error);
        if (failure === undefined) {
          return plainText(400, "the request's content broke off, or is not framed as RFC 9112 has it");
        }
        failures.add(failure);
        return own(502, `the upstream failed: ${failure.code} (${failure.reason})`);
      }
    },
  );
  const parts = starting.move();
  return {
    address: server.address,
    async [Symbol.asyncDispose]() {
      stopping = true;
      await server[Symbol.asyncDispose]();
      parts.dispose();
    },
  };
}

function createClient(
  { poolMaxIdlePerHost, poolIdleTimeoutMs }: HttpClientTransportOptions,
): Deno.HttpClient {
  const kept = poolIdleTimeoutMs === 0 ? 0 : poolMaxIdlePerHost;
  return withoutProxyVariables(() =>
    Deno.createHttpClient({
      http2: false,
      poolIdleTimeout: poolIdleTimeoutMs === false ? false : Math.ceil(poolIdleTimeoutMs),
      ...(kept === false ? {} : { poolMaxIdlePerHost: kept }),
    })
  );
}

/** The request to the upstream, or why there is none. */
function carry(
  request: Request,
  { address, pseudonym }: { readonly address: string; readonly pseudonym: string },
): Carried | Refusal {
  const { method, headers } = request;
  const via = headers.get("via");
  if (via !== null && hasBeenHere(via, pseudonym)) return new Refusal(LOOP.status, LOOP.reason);
  if (!fetchKeepsMethod(method)) return new Refusal(501, `this gateway cannot forward the method ${method}`);
  const url = splitUrl(request.url, headers.get("host"));
  if (url === undefined) {
    return new Refusal(400, "the request has no valid Host, or its target is not a path");
  }
  const { authority, target } = url;
  if (!fetchKeepsTarget(target)) return new Refusal(400, "this gateway cannot forward this target unchanged");
  if (method === "OPTIONS" && target === "/*") {
    return new Refusal(501, "this gateway cannot tell OPTIONS * from OPTIONS /*");
  }
  const transferEncoding = headers.get("transfer-encoding");
  if (transferEncoding !== null && transferEncoding.toLowerCase() !== "chunked") {
    const status = statusForCodings(transferEncoding);
    return new Refusal(status, "this gateway takes no transfer coding but chunked");
  }
  const length = Number.parseInt(headers.get("content-length") ?? "0");
  if (!Number.isSafeInteger(length)) return new Refusal(400, "the Content-Length is beyond counting");
  const hasContent = length > 0 || transferEncoding !== null;
  if (hasContent && (method === "GET" || method === "HEAD")) {
    return new Refusal(501, `this gateway cannot forward a ${method} with content`);
  }
  let sent = fieldsOf(headers);
  const maxForwards = headers.get("max-forwards");
  if (maxForwards !== null && method === "OPTIONS") {
    const counted = countForwards(sent, method, maxForwards);
    if (counted instanceof Refusal) return counted;
    sent = counted;
  }
  const fields = forwardedRequestFields(sent, { address, host: authority, pseudonym });
  const acceptEncoding = headers.get("accept-encoding");
  // Without an Accept-Encoding, fetch invents one of gzip and br.
  if (acceptEncoding === null) fields.push(["accept-encoding", "identity"]);
  const decoding = fetchDecodes({
    acceptEncoding: acceptEncoding ?? "identity",
    hasRange: headers.has("range"),
  });
  const body = hasContent
    ? new StreamedBody(request.body!, length)
    // Without content, fetch sends a request again when its connection fails.
    : IDEMPOTENT_METHODS.has(method)
    ? null
    : new StreamedBody(emptyStream(), 0);
  return { method, target, headers: fields as [string, string][], body, decoding };
}

/** The fields with `Max-Forwards` less one, or the gateway's own answer if no forward is left. */
function countForwards(fields: readonly Field[], method: string, maxForwards: string): Field[] | Refusal {
  try {
    const left = countedForwards(method, maxForwards)!;
    if (left < 0) return new Refusal(200, "this gateway is as far as the request was to come");
    return fields.map((field) => field[0] === "max-forwards" ? [field[0], `${left}`] : field);
  } catch {
    return new Refusal(400, "the Max-Forwards is malformed");
  }
}

/** The response as the last on its connection. */
function lastOf(response: Response): Response {
  const { status, body } = response;
  const headers = new Headers(response.headers);
  headers.append("connection", "close");
  return new Response(body, { status, headers });
}

/** Statuses of the gateway's own answers that are no refusals. */
const KEEPS_CONNECTION: ReadonlySet<number> = new Set([502, 503]);

/**
 * An answer of the gateway's own. A refusal closes the connection, because the bytes behind a refused request
 * may not be what they seem.
 */
function plainText(status: number, reason: string): Response {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    ...(!KEEPS_CONNECTION.has(status) && { connection: "close" }),
  };
  return new Response(`${reason}\n`, { status, headers });
}

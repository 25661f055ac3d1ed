/**
 * The way of nearly all requests: the request is complete when it is first looked at, an upstream connection
 * is idle, and the response comes complete as well. Then the callbacks of two reads and two writes do
 * everything.
 *
 * The lane exists for its speed alone: {@linkcode Exchange} can do everything that it does. At the first
 * thing out of the ordinary the lane stops, having consumed only the bytes that it has dealt with, and leaves
 * the rest to the exchange.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import { Deadline } from "./deadlines.ts";
import type { AfterExchange } from "./exchange.ts";
import { type HeadSearch, searchHeadEnd } from "../../http1/fields.ts";
import { codingFor, writeLastChunk, writeRequestHead, writeResponseHead } from "../../http1/forward.ts";
import { BodyReader, CHUNKED } from "../../http1/framing.ts";
import { ResponseHead } from "../../http1/response.ts";
import type { Pooled } from "../pool/pool.ts";
import type { Upstream } from "./proxy_context.ts";
import type { Session } from "./session.ts";
import { isFresh, release } from "./upstream_conn.ts";

/**
 * Why the lane stopped. `next`: the next request needs more than the lane can do, or has not come complete.
 * `resume`: a request was sent, and its response needs more than the lane can do. Otherwise: what happens to
 * the client's connection.
 */
export type LeftLane = "next" | "resume" | AfterExchange;

type Stage = "idle" | "sending" | "waiting" | "answering";

/** Carries the ordinary requests of one client connection. */
export class FastLane {
  readonly #session: Session;
  /** The upstream of the request that has to be resumed. */
  upstream!: Upstream;
  readonly #response: ResponseHead;
  readonly #search: HeadSearch = { at: 0, lineStart: 0 };
  readonly #untilRequest: Deadline;
  readonly #untilResponse: Deadline;
  #held: Pooled<ByteConn> | undefined;
  #stage: Stage = "idle";
  #close = false;
  #resolve: ((left: LeftLane) => void) | undefined;
  /** How to leave once the write in flight has ended. Until then its bytes must not change. */
  #leaving: LeftLane | undefined;

  constructor(session: Session) {
    this.#session = session;
    const { context } = session;
    this.#response = new ResponseHead(context.responseFields);
    this.#untilRequest = new Deadline(context.clientIdle, () => this.#expireIdle());
    this.#untilResponse = new Deadline(context.responseHead, () => this.#expireResponse());
  }

  /** Ends the wait for the next request, if the lane waits for one. */
  dismiss(): void {
    if (this.#stage === "idle") this.#leave("linger");
  }

  /** Carries requests until something is out of the ordinary. */
  run(): Promise<LeftLane> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#leaving = undefined;
      this.#awaitRequest();
    });
  }

  /** Hands over the upstream connection on which a request waits for its response. */
  handOver(): Pooled<ByteConn> {
    const held = this.#held!;
    this.#held = undefined;
    return held;
  }

  #awaitRequest(): void {
    const { client } = this.#session;
    this.#stage = "idle";
    this.#untilRequest.start();
    client.onArrival = this.#requestCame;
    if (client.start < client.end || client.over) this.#requestCame();
    else client.read();
  }

  readonly #requestCame = (): void => {
    const { client, request, context } = this.#session;
    if (client.over) return this.#leave("next");
    this.#search.at = this.#search.lineStart = 0;
    const headEnd = searchHeadEnd(client.buffer, client.start, client.end, this.#search);
    if (headEnd <= 0 || request.parse(client.buffer, client.start, headEnd) !== undefined) {
      return this.#leave("next");
    }
    const { bodyLength } = request;
    if (bodyLength === CHUNKED || client.end - headEnd < bodyLength) return this.#leave("next");
    if (context.stopping) return this.#leave("next");
    const held = context.pool.takeIdle(context.nextUpstream.host);
    if (held === undefined) return this.#leave("next");
    if (!isFresh(held.conn)) {
      context.pool.discard(held, held.conn.over ? "closedByBackend" : "unsolicitedBytes");
      return this.#leave("next");
    }
    this.#send(held, headEnd);
  };

  #send(held: Pooled<ByteConn>, headEnd: number): void {
    const { client, request, out, context, lines } = this.#session;
    const upstream = context.takeUpstream();
    this.upstream = upstream;
    this.#held = held;
    context.requests++;
    out.clear();
    writeRequestHead(out, request, client.buffer, upstream.authority, lines, "kept");
    const bodyEnd = headEnd + request.bodyLength;
    if (bodyEnd > headEnd) out.copy(client.buffer, headEnd, bodyEnd);
    client.start = bodyEnd;
    client.onArrival = this.#onClientArrival;
    client.read();
    this.#untilRequest.stop();
    this.#untilResponse.start();
    this.#stage = "sending";
    held.conn.onArrival = this.#responseCame;
    held.conn.read();
    held.conn.send(out, this.#sent, this.#sendFailed);
  }

  readonly #sent = (count: number): void => {
    if (this.#held === undefined) return;
    const { out } = this.#session;
    if (count < out.length) {
      this.#held.conn.write(out.filled.subarray(count)).then(
        () => this.#sent(out.length),
        this.#sendFailed,
      );
      return;
    }
    this.#stage = "waiting";
    const { conn } = this.#held;
    if (this.#leaving !== undefined) this.#leave(this.#leaving);
    else if (conn.start < conn.end || conn.over) this.#responseCame();
  };

  /** The upstream may have answered nevertheless; reading will tell. */
  readonly #sendFailed = (): void => {
    this.#stage = "waiting";
    this.#leave("resume");
  };

  readonly #responseCame = (): void => {
    if (this.#stage !== "waiting") return;
    const held = this.#held!;
    const { conn } = held;
    const { request, out, context } = this.#session;
    const response = this.#response;
    this.#search.at = this.#search.lineStart = 0;
    const headEnd = searchHeadEnd(conn.buffer, conn.start, conn.end, this.#search);
    if (headEnd <= 0) return this.#leave("resume");
    if (response.parse(conn.buffer, conn.start, headEnd, request.method) !== undefined) {
      return this.#leave("resume");
    }
    const coding = codingFor(response, request);
    if (response.status < 200 || coding === "untilClose") return this.#leave("resume");
    this.#close = !request.keepAlive || context.stopping;
    out.clear();
    writeResponseHead(out, response, conn.buffer, {
      coding,
      close: this.#close,
      sayKeepAlive: request.minorVersion === 0 && !this.#close,
    });
    const bodyEnd = this.#takeBody(conn, headEnd, response.bodyLength);
    if (bodyEnd < 0) return this.#leave("resume");
    conn.start = bodyEnd;
    conn.onArrival = conn.whileIdle;
    this.#held = undefined;
    release(context, held, response);
    this.#answer();
  };

  /** Adds the body to the outgoing bytes. Returns where it ends, or -1 if it has not come complete. */
  #takeBody(conn: ByteConn, start: number, length: number): number {
    const { out } = this.#session;
    if (length >= 0) {
      const end = start + length;
      if (end > conn.end) return -1;
      if (length > 0) out.copy(conn.buffer, start, end);
      return end;
    }
    const body = new BodyReader(length);
    for (let at = start;;) {
      const event = body.next(conn.buffer, at, conn.end);
      at = body.position;
      if (event === "data") out.chunk(conn.buffer, body.dataStart, body.dataEnd);
      else if (event !== "end") return -1;
      else {
        writeLastChunk(out, body.trailers);
        return at;
      }
    }
  }

  #answer(): void {
    const { client, out } = this.#session;
    this.#stage = "answering";
    client.onArrival = undefined;
    this.#untilResponse.stop();
    client.send(out, this.#answered, this.#answerFailed);
    // Else it has been written already, and the wait for the next request has begun.
    if (this.#stage === "answering") this.#untilRequest.start();
  }

  readonly #answered = (count: number): void => {
    const { client, out, context } = this.#session;
    if (count < out.length) {
      const rest = out.filled.subarray(count);
      client.write(rest).then(() => this.#answered(out.length), this.#answerFailed);
      return;
    }
    if (this.#close || context.stopping) this.#leave("linger");
    else this.#awaitRequest();
  };

  readonly #answerFailed = (): void => this.#leave("close");

  /** Called when the client has sent bytes or ended while its request is in flight. */
  readonly #onClientArrival = (): void => {
    const { client } = this.#session;
    if (client.over) this.#leave("resume");
    else client.read();
  };

  #expireIdle(): void {
    // An answer that the client has not taken in this time is given up.
    if (this.#stage === "answering") this.#session.client.close();
    this.#leave(this.#stage === "answering" ? "close" : "linger");
  }

  #expireResponse(): void {
    const held = this.handOver();
    this.#session.context.pool.discard(held, "timeout");
    if (this.#stage === "sending") this.#session.out.renew();
    this.#stage = "waiting";
    this.#leave({ status: 504, reason: "the upstream took too long to answer" });
  }

  #leave(left: LeftLane): void {
    if (this.#stage === "sending") {
      this.#leaving = left;
      return;
    }
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    this.#untilRequest.stop();
    this.#untilResponse.stop();
    this.#session.client.onArrival = undefined;
    if (this.#held !== undefined) this.#held.conn.onArrival = this.#held.conn.whileIdle;
    if (left !== "resume") this.#stage = "idle";
    resolve(left);
  }
}

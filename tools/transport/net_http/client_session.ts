/**
 * One client connection. Its requests are read one after the other, and each is answered before the next is
 * read.
 *
 * Two state machines carry requests, and never both at once. The fast lane begins; it carries request after
 * request, until one is out of the ordinary. Then it says what is left to do, and the exchange or this
 * session does that before the lane begins again:
 *
 * ```text
 *        ┌───────────────────────────── keep ──────────────────────────────┐
 *        ▼                                                                 │
 *   FastLane.run ─┬─ "next" ───────► #readHead, parse ───► Exchange.run ───┤
 *      ▲   │      │  (the lane consumed nothing of the request)            │
 *      └───┘      ├─ "resume" ─────► FastLane.handOver ──► Exchange.resume ┼─► #conclude ─► close, linger
 *    ordinary     │  (the lane sent the request; its bytes stay in `out`)  │
 *                 └─ AfterExchange ────────────────────────────────────────┘
 * ```
 *
 * @module
 */

import { ByteConn, type TcpSocket } from "../../http1/byte_conn.ts";
import { Deadline } from "./deadlines.ts";
import { type AfterExchange, Exchange } from "./exchange.ts";
import { FastLane } from "./fast_lane.ts";
import { CR, type HeadSearch, latin1, LF, searchHeadEnd, TOKEN_LOWER } from "../../http1/fields.ts";
import { ForwardedLines } from "../../http1/forward.ts";
import { MAX_HEAD_BYTES, MAX_TARGET_BYTES, RequestHead } from "../../http1/request.ts";
import { type OwnResponse, writeOwnResponse } from "../../http1/own_response.ts";
import { OutBuffer } from "../../http1/out_buffer.ts";
import type { ProxyContext } from "./proxy_context.ts";

/** Most empty lines that are accepted before a request line (RFC 9112 §2.2). */
const MAX_EMPTY_LINES = 2;
/** A head whose first line is longer than this is refused before its end has come. */
const MAX_REQUEST_LINE_BYTES = MAX_TARGET_BYTES + 100;
/** Most bytes of a refused request that are read and thrown away. */
const MAX_LINGER_BYTES = 4 * 1024 * 1024;

/** Serves one client until its connection ends. */
export class ClientSession {
  /** Resolves when the connection is closed; it never rejects. */
  readonly ended: Promise<void>;
  readonly #conn: ByteConn;
  readonly #context: ProxyContext;
  readonly #request: RequestHead;
  readonly #out = new OutBuffer();
  readonly #exchange: Exchange;
  readonly #lane: FastLane;
  readonly #search: HeadSearch = { at: 0, lineStart: 0 };
  readonly #untilRequest: Deadline;
  readonly #untilHead: Deadline;
  readonly #lingering: Deadline;
  readonly #stalled: Deadline;
  #expired = false;
  #readingHead = false;

  constructor(tcp: TcpSocket, context: ProxyContext) {
    this.#conn = new ByteConn(tcp);
    this.#context = context;
    this.#request = new RequestHead(context.requestFields, context.pseudonym);
    const expire = () => this.#expire();
    this.#untilRequest = new Deadline(context.clientIdle, expire);
    this.#untilHead = new Deadline(context.requestHead, expire);
    this.#lingering = new Deadline(context.linger, expire);
    this.#stalled = new Deadline(context.stall, () => this.close());
    const session = {
      client: this.#conn,
      request: this.#request,
      out: this.#out,
      context,
      lines: new ForwardedLines(tcp.remoteAddr.hostname, context.pseudonym),
    };
    this.#exchange = new Exchange(session);
    this.#lane = new FastLane(session);
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (await this.#serve()) {
        if (!this.#context.stopping) continue;
        await this.#linger();
        break;
      }
    } catch {
      // Writing failed: the client is gone.
    } finally {
      this.#stopDeadlines();
      this.#conn.close();
    }
  }

  /**
   * Closes the connection in stages if no request is in flight on it; otherwise the response in flight will
   * be the last.
   */
  closeIfIdle(): void {
    this.#lane.dismiss();
    if (this.#readingHead) this.#conn.interrupt();
  }

  /** Closes the connection at once. */
  close(): void {
    this.#exchange.cutTunnel();
    this.#conn.close();
  }

  /**
   * Serves all requests that the fast lane can carry, then one that it cannot. Returns whether the connection
   * stays open.
   */
  async #serve(): Promise<boolean> {
    const left = await this.#lane.run();
    if (left === "next") return await this.#next();
    if (left === "resume") {
      return await this.#finish(this.#exchange.resume(this.#lane.upstream, this.#lane.handOver()));
    }
    return await this.#conclude(left);
  }

  async #next(): Promise<boolean> {
    const conn = this.#conn;
    const context = this.#context;
    this.#readingHead = true;
    const headEnd = await this.#readHead();
    this.#readingHead = false;
    this.#stopDeadlines();
    if (typeof headEnd === "object") return await this.#answer(headEnd, "close", this.#refusedMethod());
    if (headEnd === 0) {
      await this.#linger();
      return false;
    }
    const refusal = this.#request.parse(conn.buffer, conn.start, headEnd);
    if (refusal !== undefined) return await this.#answer(refusal, "close", this.#refusedMethod());
    context.requests++;
    return await this.#finish(this.#exchange.run(headEnd));
  }

  async #finish(exchange: Promise<AfterExchange>): Promise<boolean> {
    return await this.#conclude(await exchange);
  }

  async #conclude(after: AfterExchange): Promise<boolean> {
    const { stopping } = this.#context;
    if (after === "keep") {
      this.#conn.shrink();
      return true;
    }
    if (after === "linger") await this.#linger();
    if (typeof after === "string") return false;
    const goesOn = this.#request.keepAlive && this.#exchange.requestRead && !stopping;
    return await this.#answer(after, goesOn ? "keep" : "close", this.#request.method);
  }

  /**
   * Returns where the head ends, 0 if the connection ends before that, or a refusal of the bytes that came.
   */
  async #readHead(): Promise<number | OwnResponse> {
    const conn = this.#conn;
    const search = this.#search;
    search.at = search.lineStart = 0;
    this.#untilRequest.start();
    let emptyLines = 0;
    for (let begun = false;;) {
      while (search.at === 0 && conn.end - conn.start >= 2 && isEmptyLine(conn)) {
        if (++emptyLines > MAX_EMPTY_LINES) {
          return { status: 400, reason: "there are empty lines before the request" };
        }
        conn.start += 2;
      }
      if (conn.end > conn.start) {
        const headEnd = searchHeadEnd(conn.buffer, conn.start, conn.end, search);
        const refusal = whyRefused(conn, headEnd, search);
        if (refusal !== undefined) return refusal;
        if (headEnd > 0) return headEnd;
        if (!begun) this.#untilHead.start();
        begun = true;
        if (conn.end - conn.start === conn.buffer.length) conn.grow();
      }
      if (conn.over || this.#context.stopping) return 0;
      await conn.more();
      if (this.#expired) return begun ? { status: 408, reason: "the request head took too long" } : 0;
    }
  }

  /**
   * Gives a response of the gateway's own, then keeps or closes the connection. Returns whether the
   * connection stays open.
   */
  async #answer(response: OwnResponse, then: "keep" | "close", method: string): Promise<boolean> {
    const out = this.#out;
    const close = then === "close";
    out.clear();
    writeOwnResponse(out, response, { method, close });
    this.#stalled.start();
    await this.#conn.write(out.filled);
    this.#stalled.stop();
    if (close) await this.#linger();
    return !close;
  }

  /** The method of a request that is refused, whose head need not have been parsed: `HEAD`, or any other. */
  #refusedMethod(): string {
    const { buffer, start, end } = this.#conn;
    return latin1(buffer, start, Math.min(end, start + 5)) === "HEAD " ? "HEAD" : "GET";
  }

  /**
   * Ends this side, reads on for a while and throws away what comes. After a plain close, any byte from the
   * client would reset the connection, and the client might lose the response that is still on its way (RFC
   * 9112 §9.6).
   */
  async #linger(): Promise<void> {
    const conn = this.#conn;
    if (conn.over) return;
    this.#expired = false;
    this.#lingering.start();
    await conn.tcp.closeWrite();
    for (let read = 0; read < MAX_LINGER_BYTES && !conn.over && !this.#expired;) {
      read += conn.end - conn.start;
      conn.start = conn.end;
      await conn.more();
    }
  }

  #stopDeadlines(): void {
    this.#untilRequest.stop();
    this.#untilHead.stop();
    this.#lingering.stop();
    this.#stalled.stop();
  }

  #expire(): void {
    this.#expired = true;
    this.#conn.interrupt();
  }
}

function isEmptyLine(conn: ByteConn): boolean {
  return conn.buffer[conn.start] === CR && conn.buffer[conn.start + 1] === LF;
}

function whyRefused(conn: ByteConn, headEnd: number, search: HeadSearch): OwnResponse | undefined {
  const first = conn.buffer[conn.start]!;
  if (headEnd < 0 || (TOKEN_LOWER[first] === 0 && first !== CR)) {
    return { status: 400, reason: "the request head is malformed" };
  }
  const length = (headEnd === 0 ? conn.end : headEnd) - conn.start;
  if (headEnd === 0 && search.lineStart === 0 && length > MAX_REQUEST_LINE_BYTES) {
    return { status: 414, reason: "the request line is too long" };
  }
  if (length > MAX_HEAD_BYTES) return { status: 431, reason: "the request head is too long" };
  return undefined;
}

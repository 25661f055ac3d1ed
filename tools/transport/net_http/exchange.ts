/**
 * Carries one request to an upstream and its response back.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import { Deadline } from "./deadlines.ts";
import type { Failure } from "../failure_log.ts";
import type { HeadSearch } from "../../http1/fields.ts";
import { codingFor, writeLastChunk, writeRequestHead, writeResponseHead } from "../../http1/forward.ts";
import { BodyReader, UNTIL_CLOSE } from "../../http1/framing.ts";
import { ResponseHead } from "../../http1/response.ts";
import type { OwnResponse } from "../../http1/own_response.ts";
import type { Pooled } from "../pool/pool.ts";
import type { CloseReason } from "../pool/counters.ts";
import type { Upstream } from "./proxy_context.ts";
import { brokenOff, ENDED, protocolFailure, readResponseHead, takeBody } from "./response_stream.ts";
import type { Session } from "./session.ts";
import { runTunnel } from "./tunnel.ts";
import { Upload } from "./upload.ts";
import { ConnectionWait, release, takeFresh } from "./upstream_conn.ts";

/**
 * What happens to the client's connection after an exchange: `keep` it for the next request; `close` it;
 * `linger`, which is to close it in stages, so that a client that still sends can read its response; or a
 * response of its own that the gateway has yet to give.
 */
export type AfterExchange = "keep" | "close" | "linger" | OwnResponse;

/**
 * Whether a request may be sent once more if its connection turns out to be closed, or this attempt is the
 * last.
 */
type Attempt = "repeatable" | "final";

/** Carries the requests of one client connection, one after the other. */
export class Exchange {
  readonly #session: Session;
  readonly #response: ResponseHead;
  readonly #search: HeadSearch = { at: 0, lineStart: 0 };
  readonly #untilResponse: Deadline;
  readonly #stalled: Deadline;
  readonly #lingering: Deadline;
  readonly #halfClosed: Deadline;
  /** The upstream connection in use. */
  #held: Pooled<ByteConn> | undefined;
  readonly #wait: ConnectionWait;
  #upload: Upload | undefined;
  /** The upstream's side of a tunnel. */
  #tunnel: ByteConn | undefined;
  #clientGone = false;
  #expired = false;
  /** Whether bytes are being written to the client that it has yet to take. */
  #flushing = false;
  /** Whether a request with a body has its connection. Until then the body may be added to `out`. */
  #sending = false;
  #pieces = 0;
  #piecesSeen = 0;

  constructor(session: Session) {
    this.#session = session;
    const { context } = session;
    this.#response = new ResponseHead(context.responseFields);
    this.#wait = new ConnectionWait(context);
    const expire = () => this.#expire();
    this.#untilResponse = new Deadline(context.responseHead, expire);
    this.#stalled = new Deadline(context.stall, expire);
    this.#lingering = new Deadline(context.linger, expire);
    this.#halfClosed = new Deadline(context.halfClose, () => this.#checkHalfClosed());
  }

  /** Carries the request whose head has been parsed and ends at `headEnd` in the client's buffer. */
  async run(headEnd: number): Promise<AfterExchange> {
    const { client, request, out, context, lines } = this.#session;
    const upstream = context.takeUpstream();
    out.clear();
    const connection = context.pool.limits.disableKeepAlives ? "closed" : "kept";
    writeRequestHead(out, request, client.buffer, upstream.authority, lines, connection);
    client.start = headEnd;
    this.#expired = false;
    this.#sending = false;
    this.#upload = undefined;
    if (request.bodyLength !== 0) {
      const upload = new Upload(client, request.bodyLength, out);
      if (upload.outcome !== "done") this.#upload = upload;
      if (upload.outcome === "malformed") return { status: 400, reason: "the body's chunks are malformed" };
    }
    return await this.#carry(async () => {
      const after = await this.#attempt(upstream, request.repeatable ? "repeatable" : "final");
      if (after !== "again") return after;
      context.resent++;
      return await this.#attempt(upstream, "final") as AfterExchange;
    });
  }

  /**
   * Takes a request over from the fast lane, which has sent it on `held`. Its bytes are still in `out`, for
   * another attempt.
   */
  async resume(upstream: Upstream, held: Pooled<ByteConn>): Promise<AfterExchange> {
    const { request, context } = this.#session;
    this.#expired = false;
    this.#upload = undefined;
    return await this.#carry(async () => {
      this.#held = held;
      if (this.#clientGone) this.#drop("clientGone");
      this.#untilResponse.start();
      const after = await this.#receive(upstream, held, request.repeatable ? "repeatable" : "final");
      if (after !== "again") return after;
      context.resent++;
      return await this.#attempt(upstream, "final") as AfterExchange;
    });
  }

  /** Does the work while the client is watched, and cleans up after it. */
  async #carry(work: () => Promise<AfterExchange>): Promise<AfterExchange> {
    const { client } = this.#session;
    client.onArrival = this.#onClientArrival;
    client.read();
    if (client.over) this.#onClientArrival();
    try {
      return await work();
    } finally {
      client.onArrival = undefined;
      this.#stopDeadlines();
      this.#upload?.cut();
      this.#drop("broken");
    }
  }

  /** Whether the request was read to its end, so that the bytes behind it are the next request. */
  get requestRead(): boolean {
    return this.#upload === undefined || this.#upload.outcome === "done";
  }

  /** Ends a tunnel, which may wait for the upstream alone. */
  cutTunnel(): void {
    this.#tunnel?.close();
  }

  async #attempt(upstream: Upstream, attempt: Attempt): Promise<AfterExchange | "again"> {
    const broken = this.#bodyFault();
    if (broken !== undefined) return broken;
    const held = takeFresh(this.#session.context, upstream) ?? await this.#wait.connect(upstream);
    if (held === "close") return this.#bodyFault() ?? "close";
    if ("status" in held) return held;
    this.#held = held;
    const { conn } = held;
    this.#untilResponse.start();
    this.#sending = true;
    try {
      await conn.write(this.#session.out.filled);
    } catch {
      // The upstream may have answered nevertheless; reading will tell.
    }
    this.#upload?.run(conn, () => this.#uploadMoved()).then(() => this.#uploadEnded());
    return await this.#receive(upstream, held, attempt);
  }

  async #receive(
    upstream: Upstream,
    held: Pooled<ByteConn>,
    attempt: Attempt,
  ): Promise<AfterExchange | "again"> {
    const { conn } = held;
    for (let answered = false;; answered = true) {
      const headEnd = await readResponseHead(conn, this.#search);
      if (headEnd < 0) {
        const nothingCame = headEnd === ENDED && !answered && conn.end === conn.start;
        const failure = this.#ownFault() ?? brokenOff(conn, headEnd);
        const again = attempt === "repeatable" && nothingCame && held.timesReused > 0 && "code" in failure;
        this.#drop(again ? "closedByBackend" : "broken");
        if (again) return "again";
        return "code" in failure ? this.#fail(upstream, failure) : failure.after;
      }
      const wrong = this.#response.parse(conn.buffer, conn.start, headEnd, this.#session.request.method);
      if (wrong !== undefined) return this.#fail(upstream, protocolFailure(wrong));
      if (this.#response.status === 101) return await this.#switch(upstream, conn, headEnd);
      if (!this.#response.interim) return await this.#forward(upstream, conn, headEnd);
      if (!await this.#forwardInterim(conn, headEnd)) return "close";
    }
  }

  async #forwardInterim(conn: ByteConn, headEnd: number): Promise<boolean> {
    const { request, out } = this.#session;
    if (request.minorVersion > 0) {
      out.clear();
      writeResponseHead(out, this.#response, conn.buffer, {
        coding: "asIs",
        close: false,
        sayKeepAlive: false,
      });
      if (!await this.#flush()) return false;
    }
    conn.start = headEnd;
    return true;
  }

  async #switch(upstream: Upstream, conn: ByteConn, headEnd: number): Promise<AfterExchange> {
    const { client, request, out } = this.#session;
    if (request.upgrade === "") {
      return this.#fail(upstream, protocolFailure("an upgrade that nobody asked for"));
    }
    const wrong = whyNoUpgrade(this.#response, conn.buffer, request.upgrade);
    if (wrong !== undefined) return this.#fail(upstream, protocolFailure(wrong));
    out.clear();
    writeResponseHead(out, this.#response, conn.buffer, {
      coding: "asIs",
      close: false,
      sayKeepAlive: false,
    });
    conn.start = headEnd;
    this.#stopDeadlines();
    client.onArrival = undefined;
    this.#stalled.start();
    const taken = await this.#flush();
    this.#stalled.stop();
    this.#tunnel = conn;
    if (taken) await runTunnel(client, conn);
    this.#tunnel = undefined;
    this.#drop("upgraded");
    return "close";
  }

  async #forward(upstream: Upstream, conn: ByteConn, headEnd: number): Promise<AfterExchange> {
    const response = this.#response;
    const { request, out, context } = this.#session;
    const coding = codingFor(response, request);
    const close = !request.keepAlive || context.stopping || coding === "untilClose" || this.#uploadIsVain();
    this.#untilResponse.stop();
    out.clear();
    writeResponseHead(out, response, conn.buffer, {
      coding,
      close,
      sayKeepAlive: request.minorVersion === 0 && !close,
    });
    conn.start = headEnd;
    const body = new BodyReader(response.bodyLength);
    let begun = false;
    for (;;) {
      const event = takeBody(body, conn, out, coding);
      if (event === "end") break;
      if (event === "malformed" || conn.over) {
        if (event !== "malformed" && response.bodyLength === UNTIL_CLOSE && conn.ended) break;
        const failure = event === "malformed"
          ? protocolFailure("the body's chunks are malformed")
          : brokenOff(conn, ENDED);
        if (!begun && this.#ownFault() === undefined) return this.#fail(upstream, failure);
        return this.#cutShort(upstream, failure);
      }
      this.#stalled.start();
      begun = true;
      if (!await this.#flush()) return "close";
      conn.widen();
      await conn.more();
    }
    // The remaining writes have to end in time as well.
    this.#stalled.start();
    if (coding === "chunked") writeLastChunk(out, body.trailers);
    if (this.#upload !== undefined) return await this.#finishUpload(close ? "close" : "keep");
    this.#release();
    if (!await this.#flush()) return "close";
    return close ? "linger" : "keep";
  }

  /** Whether the rest of the request body will not be taken, now that the response has come. */
  #uploadIsVain(): boolean {
    const upload = this.#upload;
    if (upload === undefined || upload.outcome === "done") return false;
    if (upload.outcome !== "going" || !this.#response.keepAlive) return true;
    return this.#session.request.expectsContinue && !upload.begun;
  }

  /**
   * Ends a response that broke off in the middle: the client's connection is closed, so that the response
   * cannot look complete.
   */
  #cutShort(upstream: Upstream, failure: Failure): AfterExchange {
    if (this.#ownFault() === undefined) upstream.failures.add(failure);
    this.#drop("broken");
    this.#session.client.close();
    return "close";
  }

  async #finishUpload(after: "keep" | "close"): Promise<AfterExchange> {
    const upload = this.#upload!;
    if (!await this.#flush()) return "close";
    if (upload.outcome === "going" && after === "keep") {
      this.#lingering.start();
      await upload.ended;
    }
    if (upload.outcome !== "done") {
      upload.cut();
      this.#drop("broken");
      return "linger";
    }
    this.#release();
    return after === "close" ? "linger" : "keep";
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) release(this.#session.context, held, this.#response);
  }

  /** Writes the gathered bytes to the client. Returns whether the client took them. */
  async #flush(): Promise<boolean> {
    const { client, out } = this.#session;
    this.#flushing = true;
    try {
      if (out.length > 0) await client.write(out.filled);
    } catch {
      this.#leave();
      return false;
    } finally {
      this.#flushing = false;
    }
    out.clear();
    this.#pieces++;
    return true;
  }

  #fail(upstream: Upstream, failure: Failure): OwnResponse {
    upstream.failures.add(failure);
    this.#drop("broken");
    return { status: 502, reason: `the upstream's response cannot be used: ${failure.reason}` };
  }

  #stopDeadlines(): void {
    this.#untilResponse.stop();
    this.#stalled.stop();
    this.#lingering.stop();
    this.#halfClosed.stop();
  }

  #drop(reason: CloseReason): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#session.context.pool.discard(held, reason);
  }

  /** Why the exchange ended, if the cause is the client or a deadline rather than the upstream's response. */
  #ownFault(): { after: AfterExchange } | undefined {
    if (this.#clientGone) return { after: "close" };
    const broken = this.#bodyFault();
    if (broken !== undefined) return { after: broken };
    if (!this.#expired) return undefined;
    return this.#upload?.waitsForClient
      ? { after: { status: 408, reason: "the body took too long" } }
      : { after: { status: 504, reason: "the upstream took too long to answer" } };
  }

  /** The answer to a body that can never be complete. */
  #bodyFault(): OwnResponse | undefined {
    const outcome = this.#upload?.outcome;
    if (outcome === "malformed") return { status: 400, reason: "the body's chunks are malformed" };
    if (outcome === "clientGone") return { status: 400, reason: "the body ended too early" };
    return undefined;
  }

  #uploadMoved(): void {
    this.#pieces++;
    if (this.#lingering.dueMs !== Infinity) this.#lingering.start();
    else this.#untilResponse.start();
  }

  #uploadEnded(): void {
    const outcome = this.#upload?.outcome;
    if (outcome === "malformed" || outcome === "clientGone") this.#drop("clientGone");
    else if (outcome === "done") this.#session.client.read();
  }

  #expire(): void {
    this.#expired = true;
    this.#upload?.cut();
    const held = this.#held !== undefined;
    this.#drop("timeout");
    if (this.#flushing || !held) this.#session.client.close();
  }

  /** Called when the client has sent bytes or ended while its request is in flight. */
  readonly #onClientArrival = (): void => {
    const { client, out } = this.#session;
    const upload = this.#upload;
    if (upload?.outcome === "going") {
      // The upload itself sees what comes while it runs.
      if (this.#sending) return;
      // Before that, the request waits for a connection. A client that leaves must not keep its place in
      // line; that it has left shows behind the bytes that fit into a large buffer, and not before.
      client.widen();
      client.read();
      if (client.ended) upload.takeLast(out);
      if (this.#bodyFault() !== undefined) return this.#wait.abandon();
    }
    if (client.failure !== undefined) this.#leave();
    else if (client.ended) this.#halfClosed.start();
    // These bytes begin the next request. The client's end may follow behind them.
    else client.read();
  };

  #checkHalfClosed(): void {
    if (this.#pieces === this.#piecesSeen) return this.#leave();
    this.#piecesSeen = this.#pieces;
    this.#halfClosed.start();
  }

  #leave(): void {
    this.#clientGone = true;
    this.#wait.abandon();
    this.#drop("clientGone");
    this.#session.client.close();
  }
}

/**
 * What is wrong with a 101, if anything. It must name the protocol in `Upgrade`, and `Upgrade` in
 * `Connection`; and the protocol must be among those that the client offered (RFC 9110 §7.8).
 */
function whyNoUpgrade(
  { fields, upgrades }: ResponseHead,
  bytes: Uint8Array,
  offered: string,
): string | undefined {
  const chosen = protocolsOf(fields.joined(bytes, "upgrade") ?? "");
  if (!upgrades || chosen.length === 0) return "a 101 that does not say to what it upgrades";
  const offers = protocolsOf(offered);
  if (!chosen.every((protocol) => offers.includes(protocol))) return "an upgrade to what was not offered";
  return undefined;
}

function protocolsOf(list: string): string[] {
  return list.toLowerCase().split(",").map((protocol) => protocol.trim()).filter(Boolean);
}

/**
 * One connection of a backend: reads its requests one after the other, answers them, and notes how it ends.
 *
 * @module
 */

import type { ByteConn, Carrier } from "../../http1/byte_conn.ts";
import { HeadFields, type HeadSearch, searchHeadEnd } from "../../http1/fields.ts";
import { type BodyLength, BodyReader } from "../../http1/framing.ts";
import { OutBuffer } from "../../http1/out_buffer.ts";
import { writeOwnResponse } from "../../http1/own_response.ts";
import { MAX_HEAD_BYTES, type Refusal, RequestHead } from "../../http1/request.ts";
import { latin1Bytes } from "../../http1/fields.ts";
import type { BackendPlan } from "../../scenario/plan.ts";
import type { Answers, ConnectionOption } from "./answers.ts";
import type { Draws } from "./draws.ts";
import { IdleDeadline, type IdleDeadlines } from "./idle_deadlines.ts";
import type { ConnectionLog, WatchedConnection } from "./connection_log.ts";

/** What the connections of one backend share. */
export interface BackendShared {
  /** What the witness is made of. */
  readonly log: ConnectionLog;
  /** The answers as bytes. */
  readonly answers: Answers;
  /** What the backend does. */
  readonly plan: BackendPlan;
  /** What differs from one answer to the next. */
  readonly draws: Draws;
  /** Ends connections that are idle for too long; `undefined` where none is. */
  readonly idle: IdleDeadlines | undefined;
  /** Whether the backend is ending: each answer is the last of its connection. */
  stopping: boolean;
  /** Requests answered so far. */
  requests: number;
}

/** What a session keeps of the request that it answers. */
interface Request {
  readonly toHead: boolean;
  readonly http10: boolean;
  /** Whether it asks for the end of the connection. */
  readonly askedToClose: boolean;
  /** Whether it can be kept open by an answer in HTTP/1.0: it asks for `keep-alive` by that word. */
  readonly asksToKeep: boolean;
  /** Length of its body, or that the body is in chunks. */
  readonly bodyLength: BodyLength;
  readonly expectsContinue: boolean;
}

/** Every head is parsed and taken apart in one go, so all sessions share one. */
const head = new RequestHead(new HeadFields(), "timewait-backend");
const CONTINUE = latin1Bytes("HTTP/1.1 100 Continue\r\n\r\n");
/**
 * How long the rest of what a refused client sends is read, in milliseconds. Closing at once would reset the
 * connection, and the client might never read why (RFC 9112 §9.6).
 */
const LINGER_MS = 1_000;

/** A connection of a backend. */
export class BackendSession {
  readonly #watched: WatchedConnection;
  /**
   * The time by `performance.now()`, as of the last step of a request that can have taken a while, or 0 where
   * such a step has just ended. To ask for the time takes some 90 ns, of 8 µs that a request takes.
   */
  #nowMs = 0;
  readonly #deadline = new IdleDeadline(() => this.#end(this.shared.plan.closeBy));
  #wait: { timer: ReturnType<typeof setTimeout>; over: () => void } | undefined;

  constructor(readonly conn: ByteConn<Carrier>, readonly shared: BackendShared) {
    this.#watched = shared.log.accept();
  }

  /** Serves the connection until it ends. Never throws. */
  async run(): Promise<void> {
    const { conn } = this;
    try {
      while (await this.#serve());
    } catch (error) {
      conn.failure ??= error;
    }
    this.#noteArrival();
    this.#end();
  }

  /** Ends the connection if it is idle; else it ends with the answer to its request. */
  stop(): void {
    if (this.#watched.moment === "idle") this.#end();
  }

  /** Answers a request at once if it waits for its answer; else ends the connection. */
  cut(): void {
    if (this.#wait === undefined) return this.#end();
    clearTimeout(this.#wait.timer);
    this.#wait.over();
  }

  /** Ends the connection in whatever moment it is. */
  #end(how: "fin" | "rst" = "fin"): void {
    this.shared.idle?.stop(this.#deadline);
    this.shared.log.end(this.#watched, "backend", how);
    if (how === "rst") this.conn.tcp.reset?.();
    this.conn.close();
  }

  /** Reads a request and answers it. Returns whether another may follow. */
  async #serve(): Promise<boolean> {
    const { conn, shared } = this;
    const { idle, log, draws, answers } = shared;
    if (conn.start === conn.end) idle?.start(this.#deadline);
    const search: HeadSearch = { at: 0, lineStart: 0 };
    let headEnd: number;
    while ((headEnd = this.#findHead(search)) === 0) {
      if (conn.over) return false;
      await conn.more();
      this.#nowMs = 0;
    }
    const request = headEnd < 0 ? BAD_HEADS[headEnd]! : parse(conn.buffer, conn.start, headEnd);
    if ("reason" in request) return await this.#refuse(request);
    log.heard(this.#watched);
    conn.start = headEnd;
    if (request.bodyLength !== 0) {
      if (!(await this.#readBody(request))) return false;
      this.#nowMs = 0;
    }
    log.read(this.#watched, request);
    const latencyMs = draws.latencyMs();
    if (latencyMs > 0) {
      await this.#pause(latencyMs);
      this.#nowMs = 0;
    }
    if (conn.failure !== undefined) return false;
    if (draws.closesBeforeAnswer()) {
      this.#end(shared.plan.closeBy);
      return false;
    }
    const status = draws.status();
    const { last, told, connection } = this.#lastOf(request, status);
    const form = { status, connection, toHead: request.toHead };
    this.#watched.moment = "answer";
    this.#watched.announced = told;
    shared.requests++;
    const bytes = answers.first(form, this.#nowMs ||= performance.now());
    const written = await conn.tcp.write(bytes);
    const rest = answers.rest(form);
    if (written < bytes.length || rest > 0) {
      if (written < bytes.length) await conn.write(bytes.subarray(written));
      if (rest > 0) await this.#sendRest(rest);
      this.#nowMs = performance.now();
    }
    log.answered(this.#watched, this.#nowMs);
    if (last === "no") return true;
    this.#end(last === "unasked" ? shared.plan.closeBy : "fin");
    return false;
  }

  /**
   * Where the head ends that has come: 0 when it has not come whole, a key of {@linkcode BAD_HEADS} for a
   * head that cannot be.
   */
  #findHead(search: HeadSearch): number {
    const { conn } = this;
    if (conn.start === conn.end) return 0;
    if (this.#watched.moment === "idle") {
      this.shared.log.began(this.#watched, this.#nowMs = performance.now());
      this.shared.idle?.stop(this.#deadline);
    }
    if (startsWithLatest(conn.buffer, conn.start, conn.end)) return conn.start + latest.bytes.length;
    const end = searchHeadEnd(conn.buffer, conn.start, conn.end, search);
    // An empty line before a request is passed over (RFC 9112 §2.2).
    if (end === conn.start + 2) {
      conn.start = end;
      search.at = search.lineStart = 0;
      return this.#findHead(search);
    }
    if (end !== 0) return end - conn.start > MAX_HEAD_BYTES ? -2 : end;
    const length = conn.end - conn.start;
    if (length > MAX_HEAD_BYTES) return -2;
    if (length === conn.buffer.length) conn.grow();
    return 0;
  }

  /** Reads a body to its end. Returns whether it has come whole. */
  async #readBody({ bodyLength, expectsContinue }: Request): Promise<boolean> {
    const { conn } = this;
    const body = new BodyReader(bodyLength);
    if (expectsContinue && conn.start === conn.end) await conn.write(CONTINUE);
    for (;;) {
      const event = body.next(conn.buffer, conn.start, conn.end);
      conn.start = body.position;
      if (event === "end") break;
      if (event === "malformed") return await this.#refuse({ status: 400, reason: "the body is malformed" });
      if (event === "data") continue;
      if (conn.over) return false;
      conn.widen();
      await conn.more();
    }
    conn.shrink();
    return true;
  }

  /** Waits before an answer. What the peer does meanwhile is seen. */
  async #pause(ms: number): Promise<void> {
    const { conn } = this;
    await new Promise<void>((resolve) => {
      this.#wait = { timer: setTimeout(resolve, ms), over: resolve };
      conn.onArrival = () => {
        this.#noteArrival();
        if (conn.failure !== undefined) this.cut();
        else conn.read();
      };
      conn.read();
    });
    conn.onArrival = undefined;
    this.#wait = undefined;
  }

  /** Sends what follows the first piece of a large answer. */
  async #sendRest(bytes: number): Promise<void> {
    for (let left = bytes; left > 0;) {
      const piece = this.shared.answers.piece(left);
      await this.conn.write(piece);
      left -= piece.length;
    }
  }

  /** Whether the answer is the last of its connection, whether it says so, and how. */
  #lastOf(
    { http10, askedToClose, asksToKeep }: Request,
    status: number,
  ): { last: "no" | "asked" | "unasked"; told: boolean; connection: ConnectionOption } {
    const { plan, stopping } = this.shared;
    if (askedToClose || stopping) return { last: "asked", told: true, connection: "close" };
    // An answer in HTTP/1.0 that does not say keep-alive says by its version that the connection ends.
    if (plan.http10 && !asksToKeep) return { last: "unasked", told: true, connection: "" };
    const unasked = this.#watched.requests === plan.closeAfterRequests ||
      plan.closeOnStatus?.includes(status) === true;
    const told = unasked && plan.announceClose !== false;
    const kept = plan.http10 || http10 ? "keep-alive" : "";
    return { last: unasked ? "unasked" : "no", told, connection: told ? "close" : kept };
  }

  /** Refuses what cannot be a request, and ends the connection. */
  async #refuse({ status, reason }: Refusal): Promise<false> {
    const { conn } = this;
    const out = new OutBuffer();
    writeOwnResponse(out, { status, reason }, { method: "", close: true });
    await conn.write(out.filled);
    await conn.tcp.closeWrite();
    this.#watched.announced = true;
    this.shared.log.answered(this.#watched, performance.now());
    this.shared.log.end(this.#watched, "backend", "fin");
    const timer = setTimeout(() => conn.close(), LINGER_MS);
    while (!conn.over) {
      conn.start = conn.end;
      await conn.more();
    }
    clearTimeout(timer);
    return false;
  }

  /** Notes the end of the connection where the peer has ended it. */
  #noteArrival(): void {
    const { conn, shared } = this;
    if (conn.closed) return;
    if (conn.failure !== undefined) shared.log.end(this.#watched, "peer", "rst");
    else if (conn.ended) shared.log.end(this.#watched, "peer", "fin");
  }
}

/** What is said of heads that cannot be, by what {@linkcode BackendSession} finds in place of their end. */
const BAD_HEADS: Readonly<Record<number, Refusal>> = {
  [-1]: { status: 400, reason: "the head is malformed" },
  [-2]: { status: 431, reason: "the head is too long" },
};

/**
 * The head that was parsed last. A load sends the same one again and again, so most heads need not be parsed.
 */
let latest: { readonly bytes: Uint8Array; readonly request: Request | undefined } = {
  bytes: new Uint8Array(0),
  request: undefined,
};

/** Whether the bytes begin with the head that was parsed last, whole. */
function startsWithLatest(bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = latest.bytes;
  if (length === 0 || end - start < length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== latest.bytes[i]) return false;
  return true;
}

/** Parses a head, unless it is the one that was parsed last. Returns why it is refused, if it is. */
function parse(bytes: Uint8Array, start: number, end: number): Request | Refusal {
  if (
    latest.request !== undefined && latest.bytes.length === end - start && startsWithLatest(bytes, start, end)
  ) {
    return latest.request;
  }
  const refusal = head.parse(bytes, start, end);
  // `Max-Forwards: 0` ends here in any case: this is the server at the end.
  if (refusal !== undefined && refusal.status !== 200) return refusal;
  const connection = head.fields.joined(bytes, "connection") ?? "";
  const request: Request = {
    toHead: head.method === "HEAD",
    http10: head.minorVersion === 0,
    askedToClose: !head.keepAlive,
    asksToKeep: /(?:^|,)\s*keep-alive\s*(?:,|$)/i.test(connection),
    bodyLength: head.bodyLength,
    expectsContinue: head.expectsContinue,
  };
  latest = { bytes: bytes.slice(start, end), request };
  return request;
}

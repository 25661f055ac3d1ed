/**
 * One connection of a backend: reads its requests one after the other, answers them, and notes how it ends.
 *
 * @module
 */

import type { ByteConn, Carrier } from "../http1/byte_conn.ts";
import { HeadFields, type HeadSearch, searchHeadEnd } from "../http1/fields.ts";
import { BodyReader } from "../http1/framing.ts";
import { OutBuffer } from "../http1/out_buffer.ts";
import { writeOwnResponse } from "../http1/own_response.ts";
import { MAX_HEAD_BYTES, type Refusal, RequestHead } from "../http1/request.ts";
import { latin1Bytes } from "../http1/fields.ts";
import type { Answers, ConnectionOption } from "./backend_answers.ts";
import type { ConnectionLog, WatchedConnection } from "./connection_log.ts";

/** What the connections of one backend share. */
export interface BackendShared {
  /** What the witness is made of. */
  readonly log: ConnectionLog;
  /** The answers as bytes. */
  readonly answers: Answers;
  /** Added to each answer, in milliseconds. */
  readonly latencyMs: number;
  /** The status of each answer. */
  readonly status: number;
  /** Whether the backend is ending: each answer is the last of its connection. */
  stopping: boolean;
  /** Requests answered so far. */
  requests: number;
}

/** What a session keeps of the request that it answers. */
interface Request {
  readonly toHead: boolean;
  readonly http10: boolean;
  readonly keepAlive: boolean;
}

/** Every head is parsed and taken apart in one go, so all sessions share one. */
const head = new RequestHead(new HeadFields());
const CONTINUE = latin1Bytes("HTTP/1.1 100 Continue\r\n\r\n");
/**
 * How long the rest of what a refused client sends is read, in milliseconds. Closing at once would reset the
 * connection, and the client might never read why (RFC 9112 §9.6).
 */
const LINGER_MS = 1_000;

/** A connection of a backend. */
export class BackendSession {
  readonly #watched: WatchedConnection;
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
  #end(): void {
    this.shared.log.end(this.#watched, "backend", "fin");
    this.conn.close();
  }

  /** Reads a request and answers it. Returns whether another may follow. */
  async #serve(): Promise<boolean> {
    const { conn, shared } = this;
    const headEnd = await this.#headEnd();
    if (headEnd === 0) return false;
    if (headEnd < 0) return await this.#refuse(BAD_HEADS[headEnd]!);
    const refusal = head.parse(conn.buffer, conn.start, headEnd);
    // `Max-Forwards: 0` ends here in any case: this is the server at the end.
    if (refusal !== undefined && refusal.status !== 200) return await this.#refuse(refusal);
    const { keepAlive, minorVersion, method, bodyLength, expectsContinue } = head;
    conn.start = headEnd;
    if (bodyLength !== 0 && !(await this.#readBody(new BodyReader(bodyLength), expectsContinue))) {
      return false;
    }
    const request = { toHead: method === "HEAD", http10: minorVersion === 0, keepAlive };
    shared.log.read(this.#watched, { http10: request.http10, askedToClose: !keepAlive });
    if (shared.latencyMs > 0) await this.#pause(shared.latencyMs);
    if (conn.failure !== undefined) return false;
    return await this.#answer(request);
  }

  /**
   * Waits for a head, and returns where it ends: 0 when the connection ended before, a key of
   * {@linkcode BAD_HEADS} for a head that cannot be.
   */
  async #headEnd(): Promise<number> {
    const { conn } = this;
    const search: HeadSearch = { at: 0, lineStart: 0 };
    for (;;) {
      if (conn.start < conn.end) {
        if (this.#watched.moment === "idle") this.shared.log.began(this.#watched);
        const end = searchHeadEnd(conn.buffer, conn.start, conn.end, search);
        // An empty line before a request is passed over (RFC 9112 §2.2).
        if (end === conn.start + 2) {
          conn.start = end;
          search.at = search.lineStart = 0;
          continue;
        }
        if (end !== 0) return end;
        const length = conn.end - conn.start;
        if (length > MAX_HEAD_BYTES) return -2;
        if (length === conn.buffer.length) conn.grow();
      }
      if (conn.over) return 0;
      await conn.more();
    }
  }

  /** Reads a body to its end. Returns whether it has come whole. */
  async #readBody(body: BodyReader, expectsContinue: boolean): Promise<boolean> {
    const { conn } = this;
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

  /** Sends the answer. Returns whether another request may follow. */
  async #answer({ toHead, http10, keepAlive }: Request): Promise<boolean> {
    const { conn, shared } = this;
    const { answers, status } = shared;
    const last = !keepAlive || shared.stopping;
    const connection: ConnectionOption = last ? "close" : http10 ? "keep-alive" : "";
    const form = { status, connection, toHead };
    this.#watched.moment = "answer";
    this.#watched.announced = last;
    shared.requests++;
    await conn.write(answers.first(form, performance.now()));
    for (let left = answers.rest(form); left > 0;) {
      const piece = answers.piece(left);
      await conn.write(piece);
      left -= piece.length;
    }
    shared.log.answered(this.#watched);
    return !last;
  }

  /** Refuses what cannot be a request, and ends the connection. */
  async #refuse({ status, reason }: Refusal): Promise<false> {
    const { conn } = this;
    const out = new OutBuffer();
    writeOwnResponse(out, { status, reason }, { method: "", close: true });
    await conn.write(out.filled);
    await conn.tcp.closeWrite();
    this.#watched.announced = true;
    this.shared.log.answered(this.#watched);
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

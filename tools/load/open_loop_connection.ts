/**
 * One connection of the open-loop generator: sends a request, reads its answer, and connects anew where it
 * must.
 *
 * @module
 */

import { ByteConn } from "../http1/byte_conn.ts";
import { HeadFields, type HeadSearch, searchHeadEnd } from "../http1/fields.ts";
import { BodyReader, UNTIL_CLOSE } from "../http1/framing.ts";
import { MAX_RESPONSE_HEAD_BYTES, ResponseHead } from "../http1/response.ts";

/** How a request ended: with the status of its answer, or with the step that failed. */
export type Outcome = { readonly status: number } | { readonly failed: "connect" | "read" | "write" };

/** Where the requests go, and what each of them says. */
export interface Target {
  /** A name or an IP address. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
  /** A whole request, its body included. */
  readonly request: Uint8Array;
}

// A head is parsed in one go, without waiting in between, so all connections can share this one.
const head = new ResponseHead(new HeadFields());

/** The place for a connection, which may be open or not. It carries one request at a time. */
export class OpenLoopConnection implements Disposable {
  /** Bytes of all answers so far, their heads included. */
  bytesRead = 0;
  readonly #target: Target;
  readonly #method: string;
  #conn: ByteConn | undefined;
  #search: HeadSearch = { at: 0, lineStart: 0 };
  #body: BodyReader | undefined;
  #done: ((outcome: Outcome) => void) | undefined;
  #disposed = false;

  /** Makes the place. {@linkcode connect} or the first request opens the connection. */
  constructor(target: Target) {
    this.#target = target;
    const { request } = target;
    this.#method = new TextDecoder().decode(request.subarray(0, request.indexOf(32)));
  }

  /**
   * Opens the connection, unless it is open. Returns whether it is open. Where it is not, the next request
   * tries again.
   */
  async connect(): Promise<boolean> {
    if (this.#conn !== undefined) return true;
    const { hostname, port } = this.#target;
    const tcp = await Deno.connect({ hostname, port }).catch(() => undefined);
    if (tcp === undefined) return false;
    try {
      tcp.setNoDelay(true);
    } catch {
      // The connection was reset in the meantime. The first read will tell.
    }
    const conn = new ByteConn(tcp);
    if (this.#conn !== undefined || this.#disposed) {
      conn.close();
      return !this.#disposed;
    }
    this.#conn = conn;
    conn.onArrival = () => this.#arrived(conn);
    conn.read();
    return true;
  }

  /** Sends the request and calls back once, unless {@linkcode abandon} comes first. */
  send(done: (outcome: Outcome) => void): void {
    this.#done = done;
    this.#search = { at: 0, lineStart: 0 };
    this.#body = undefined;
    if (this.#conn !== undefined) return this.#write(this.#conn, done);
    this.connect().then((connected) => {
      if (this.#done !== done) return;
      if (connected) this.#write(this.#conn!, done);
      else this.#finish({ failed: "connect" });
    });
  }

  /** Gives the request up, and closes the connection because its answer could still arrive there. */
  abandon(): void {
    this.#done = undefined;
    this.close();
  }

  /** Closes the connection for good, even while it is being opened. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.abandon();
  }

  /** Closes the connection; the next request opens another. */
  close(): void {
    const conn = this.#conn;
    this.#conn = undefined;
    conn?.close();
  }

  #write(conn: ByteConn, done: (outcome: Outcome) => void): void {
    conn.write(this.#target.request).catch(() => {
      if (this.#done !== done) return;
      this.close();
      this.#finish({ failed: "write" });
    });
  }

  #arrived(conn: ByteConn): void {
    if (conn !== this.#conn) return;
    // Nothing was asked for: whatever arrives now, be it bytes or the end, makes the connection useless.
    if (this.#done === undefined) return this.close();
    if (!this.#readOn(conn)) {
      this.close();
      this.#finish({ failed: "read" });
    }
  }

  /** Reads on in the answer. Returns false where the answer is damaged or broke off. */
  #readOn(conn: ByteConn): boolean {
    while (this.#body === undefined) {
      const bodyStart = searchHeadEnd(conn.buffer, conn.start, conn.end, this.#search);
      if (bodyStart < 0) return false;
      if (bodyStart === 0) {
        if (conn.over || conn.end - conn.start > MAX_RESPONSE_HEAD_BYTES) return false;
        if (conn.end - conn.start === conn.buffer.length) conn.grow();
        conn.read();
        return true;
      }
      if (head.parse(conn.buffer, conn.start, bodyStart, this.#method) !== undefined) return false;
      this.bytesRead += bodyStart - conn.start;
      conn.start = bodyStart;
      this.#search = { at: 0, lineStart: 0 };
      if (head.interim) continue;
      this.#body = new BodyReader(head.bodyLength);
      this.#answer = {
        status: head.status,
        keepAlive: head.keepAlive,
        untilClose: head.bodyLength === UNTIL_CLOSE,
      };
    }
    return this.#readBody(conn, this.#body);
  }

  #answer = { status: 0, keepAlive: true, untilClose: false };

  #readBody(conn: ByteConn, body: BodyReader): boolean {
    for (;;) {
      const event = body.next(conn.buffer, conn.start, conn.end);
      if (event === "malformed") return false;
      this.bytesRead += body.position - conn.start;
      conn.start = body.position;
      if (body.complete || (this.#answer.untilClose && conn.ended)) break;
      if (event === "data") continue;
      if (conn.over) return false;
      conn.read();
      return true;
    }
    const { status, keepAlive } = this.#answer;
    if (!keepAlive || conn.start !== conn.end || conn.over) this.close();
    else conn.read();
    this.#finish({ status });
    return true;
  }

  #finish(outcome: Outcome): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(outcome);
  }
}

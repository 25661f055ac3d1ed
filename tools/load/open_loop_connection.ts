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

/** How a request ended: with this status of its answer, or with the step that failed. */
export type Outcome = number | "connect" | "read" | "write";

/** What requests are written to and answers are read from. */
export type Wire = Pick<Deno.TcpConn, "read" | "write" | "close" | "closeWrite">;

/** Opens a connection. Rejects where that fails. */
export type Dial = () => Promise<Wire>;

/** Where the requests go, and what each of them says. */
export interface Target {
  /** Opens a connection to where they go. */
  readonly dial: Dial;
  /** A whole request, its body included. */
  readonly request: Uint8Array;
}

/** Dials a port of a host, which is a name or an IP address. */
export function dialTcp(hostname: string, port: number): Dial {
  return async () => {
    const tcp = await Deno.connect({ hostname, port });
    try {
      tcp.setNoDelay(true);
    } catch {
      // The connection was reset in the meantime. The first read will tell.
    }
    return tcp;
  };
}

// A head is parsed in one go, without waiting in between, so all connections can share this one.
const head = new ResponseHead(new HeadFields());

/**
 * The place for a connection, which may be open or not. It carries one request at a time.
 *
 * A request makes no object and no promise of its own beyond those of its read and its write: at 40,000 a
 * second, what is made for each of them is what the generator costs.
 */
export class OpenLoopConnection implements Disposable {
  /** Bytes of all answers so far, their heads included. */
  bytesRead = 0;
  /**
   * When the request that it carries was due, on the clock of `performance.now()`, in milliseconds;
   * `Infinity` while it carries none. Whoever sends the request sets it.
   */
  dueMs: number = Infinity;
  readonly #target: Target;
  readonly #settle: (connection: OpenLoopConnection, outcome: Outcome) => void;
  readonly #method: string;
  #conn: ByteConn<Wire> | undefined;
  #carries = false;
  /** Requests so far, to tell whether a connection was opened for the one that is still wanted. */
  #count = 0;
  readonly #search: HeadSearch = { at: 0, lineStart: 0 };
  /** The body of an answer that has not come whole with its head. */
  #body: BodyReader | undefined;
  #status = 0;
  #keepAlive = true;
  #untilClose = false;
  #sent!: (count: number) => void;
  #notSent!: () => void;
  #disposed = false;

  /**
   * Makes the place. {@linkcode connect} or the first request opens the connection. Each request is settled
   * once, unless {@linkcode abandon} comes first.
   */
  constructor(target: Target, settle: (connection: OpenLoopConnection, outcome: Outcome) => void) {
    this.#target = target;
    this.#settle = settle;
    const { request } = target;
    this.#method = new TextDecoder().decode(request.subarray(0, request.indexOf(32)));
  }

  /**
   * Opens the connection, unless it is open. Returns whether it is open. Where it is not, the next request
   * tries again.
   */
  async connect(): Promise<boolean> {
    if (this.#conn !== undefined) return true;
    const wire = await this.#target.dial().catch(() => undefined);
    if (wire === undefined) return false;
    const conn = new ByteConn(wire);
    if (this.#conn !== undefined || this.#disposed) {
      conn.close();
      return !this.#disposed;
    }
    this.#take(conn);
    return true;
  }

  /** Sends the request. */
  send(): void {
    this.#carries = true;
    const count = ++this.#count;
    this.#search.at = this.#search.lineStart = 0;
    this.#body = undefined;
    if (this.#conn !== undefined) return this.#write(this.#conn);
    this.connect().then((connected) => {
      if (!this.#carries || this.#count !== count) return;
      if (connected) this.#write(this.#conn!);
      else this.#finish("connect");
    });
  }

  /** Gives the request up, and closes the connection because its answer could still arrive there. */
  abandon(): void {
    this.#carries = false;
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

  /** Uses a connection that was opened, for request after request. */
  #take(conn: ByteConn<Wire>): void {
    const { request } = this.#target;
    this.#conn = conn;
    this.#notSent = () => {
      if (conn === this.#conn && this.#carries) this.#fail("write");
    };
    this.#sent = (count) => {
      if (count < request.length) conn.write(request.subarray(count)).catch(this.#notSent);
    };
    conn.onArrival = () => this.#arrived(conn);
    conn.read();
  }

  #write(conn: ByteConn<Wire>): void {
    conn.tcp.write(this.#target.request).then(this.#sent, this.#notSent);
  }

  #arrived(conn: ByteConn<Wire>): void {
    if (conn !== this.#conn) return;
    // Nothing was asked for: whatever arrives now, be it bytes or the end, makes the connection useless.
    if (!this.#carries) return this.close();
    if (this.#body === undefined) this.#readHead(conn);
    else this.#readBody(conn, this.#body);
  }

  /** Reads heads up to that of the answer, and its body as far as it has come. */
  #readHead(conn: ByteConn<Wire>): void {
    const search = this.#search;
    do {
      const bodyStart = searchHeadEnd(conn.buffer, conn.start, conn.end, search);
      if (bodyStart < 0) return this.#fail("read");
      if (bodyStart === 0) return this.#readOnInHead(conn);
      if (head.parse(conn.buffer, conn.start, bodyStart, this.#method) !== undefined) {
        return this.#fail("read");
      }
      this.bytesRead += bodyStart - conn.start;
      conn.start = bodyStart;
      search.at = search.lineStart = 0;
    } while (head.interim);
    const { bodyLength } = head;
    this.#status = head.status;
    this.#keepAlive = head.keepAlive;
    this.#untilClose = bodyLength === UNTIL_CLOSE;
    if (bodyLength < 0 || conn.end - conn.start < bodyLength) {
      this.#body = new BodyReader(bodyLength);
      return this.#readBody(conn, this.#body);
    }
    this.bytesRead += bodyLength;
    conn.start += bodyLength;
    this.#answered(conn);
  }

  #readOnInHead(conn: ByteConn<Wire>): void {
    if (conn.over || conn.end - conn.start > MAX_RESPONSE_HEAD_BYTES) return this.#fail("read");
    if (conn.end - conn.start === conn.buffer.length) conn.grow();
    conn.read();
  }

  #readBody(conn: ByteConn<Wire>, body: BodyReader): void {
    for (;;) {
      const event = body.next(conn.buffer, conn.start, conn.end);
      if (event === "malformed") return this.#fail("read");
      this.bytesRead += body.position - conn.start;
      conn.start = body.position;
      if (body.complete || (this.#untilClose && conn.ended)) return this.#answered(conn);
      if (event === "data") continue;
      if (conn.over) return this.#fail("read");
      return conn.read();
    }
  }

  #answered(conn: ByteConn<Wire>): void {
    if (!this.#keepAlive || conn.start !== conn.end || conn.over) this.close();
    else conn.read();
    this.#finish(this.#status);
  }

  #fail(step: "read" | "write"): void {
    this.close();
    this.#finish(step);
  }

  #finish(outcome: Outcome): void {
    this.#carries = false;
    this.#settle(this, outcome);
  }
}

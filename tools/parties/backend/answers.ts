/**
 * The answers of a backend, as bytes that are made once and sent many times.
 *
 * @module
 */

import { OutBuffer } from "../../http1/out_buffer.ts";

/** What an answer says of its connection. */
export type ConnectionOption = "" | "close" | "keep-alive";

/** What one answer is like. */
export interface AnswerForm {
  /** 200 to 599. */
  readonly status: number;
  /** What it says of its connection; empty for nothing. */
  readonly connection: ConnectionOption;
  /** Whether it answers HEAD, and so has no body. */
  readonly toHead: boolean;
}

/** Statuses whose answers have no body; for 205 see RFC 9110 §15.3.6. */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/** The largest body that is sent in one piece with its head. A larger one follows in pieces of this size. */
const PIECE_BYTES = 262_144;

/** How long an answer is kept as bytes, in milliseconds: its `Date` counts whole seconds. */
const KEPT_MS = 1_000;

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  304: "Not Modified",
  400: "Bad Request",
  404: "Not Found",
  408: "Request Timeout",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The answers of one backend. */
export class Answers {
  /** What follows the first piece of a large body, again and again. */
  readonly #piece: Uint8Array<ArrayBuffer>;
  readonly #kept = new Map<string | number, Uint8Array<ArrayBuffer>>();
  #keptUntilMs = 0;

  /** @param bodyBytes size of each answer's body. */
  constructor(readonly bodyBytes: number, readonly version: "1.0" | "1.1" = "1.1") {
    this.#piece = new Uint8Array(Math.min(bodyBytes, PIECE_BYTES)).fill("x".charCodeAt(0));
  }

  /** Bytes of the body that follow what {@linkcode first} gives. */
  rest({ status, toHead }: AnswerForm): number {
    return toHead || NULL_BODY_STATUSES.includes(status) || this.bodyBytes <= PIECE_BYTES
      ? 0
      : this.bodyBytes;
  }

  /** A piece of a large body, of at most `left` bytes. */
  piece(left: number): Uint8Array<ArrayBuffer> {
    return left < this.#piece.length ? this.#piece.subarray(0, left) : this.#piece;
  }

  /** The head of an answer, with its body behind it unless that is large. Nobody may change the bytes. */
  first(form: AnswerForm, nowMs: number): Uint8Array<ArrayBuffer> {
    if (nowMs >= this.#keptUntilMs) {
      this.#kept.clear();
      this.#keptUntilMs = nowMs + KEPT_MS - Date.now() % KEPT_MS;
    }
    const key = form.status * 8 + (form.connection === "" ? 0 : form.connection === "close" ? 2 : 4) +
      Number(form.toHead);
    let bytes = this.#kept.get(key);
    if (bytes === undefined) this.#kept.set(key, bytes = this.#make(form));
    return bytes;
  }

  #make({ status, connection, toHead }: AnswerForm): Uint8Array<ArrayBuffer> {
    const out = new OutBuffer();
    const hasBody = !NULL_BODY_STATUSES.includes(status);
    out.text(
      `HTTP/${this.version} ${status} ${REASONS[status] ?? ""}\r\nDate: ${new Date().toUTCString()}\r\n`,
    );
    if (hasBody) out.text(`Content-Type: text/plain\r\nContent-Length: ${this.bodyBytes}\r\n`);
    // 205 has no body either, and a length says so to those who read one (RFC 9110 §15.3.6).
    else if (status === 205) out.text("Content-Length: 0\r\n");
    out.text(`${connection === "" ? "" : `Connection: ${connection}\r\n`}\r\n`);
    if (hasBody && !toHead && this.bodyBytes <= PIECE_BYTES) out.add(this.#piece);
    return out.filled.slice();
  }
}

/**
 * Forwarded heads. Fields that pass are copied byte for byte, `forwarding_rules.ts` says which fields do not
 * pass, and the gateway's own fields come last.
 *
 * @module
 */

import { type Field, forwardedRequestFields } from "./forwarding_rules.ts";
import { COLON, type FieldRole, type HeadFields, latin1Bytes } from "./fields.ts";
import { CHUNKED, UNTIL_CLOSE } from "./framing.ts";
import type { RequestHead } from "./request.ts";
import type { ResponseHead } from "./response.ts";
import type { OutBuffer } from "./out_buffer.ts";

const SPACE = latin1Bytes(" ");
const VERSION_AND_HOST = latin1Bytes(" HTTP/1.1\r\nHost: ");
const STATUS_LINE_START = latin1Bytes("HTTP/1.1 ");
const CRLF = latin1Bytes("\r\n");
const CHUNKED_LINE = latin1Bytes("Transfer-Encoding: chunked\r\n");
const CLOSE_LINE = latin1Bytes("Connection: close\r\n");
const KEEP_ALIVE_LINE = latin1Bytes("Connection: keep-alive\r\n");
const LAST_CHUNK = latin1Bytes("0\r\n\r\n");
const METHODS: ReadonlyMap<string, Uint8Array> = new Map(
  ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method) => [method, latin1Bytes(method)]),
);

const NONE: readonly Field[] = [];

/**
 * The lines that the gateway adds to the requests of one client connection. They stay the same while the
 * client asks for the same host.
 */
export class ForwardedLines {
  #host = "";
  #minorVersion = 1;
  #lines: Uint8Array<ArrayBuffer> | undefined;

  /** Lines for a client with this IP address, and the gateway's name in `Via`. */
  constructor(readonly address: string, readonly pseudonym: string) {}

  /** The lines for a request. An `X-Forwarded-For` that came with the request is continued. */
  of(head: RequestHead, bytes: Uint8Array): Uint8Array {
    const { fields, host, minorVersion } = head;
    let before: readonly Field[] = NONE;
    for (let i = 0; i < fields.count; i++) {
      const { role, lowerName } = fields.known[i]!;
      if (role !== "x-forwarded-for" || fields.named.has(lowerName)) continue;
      before = [...before, [lowerName, fields.value(bytes, i)]];
    }
    if (
      before.length === 0 && this.#lines !== undefined && this.#host === host &&
      this.#minorVersion === minorVersion
    ) return this.#lines;
    const version = minorVersion === 0 ? "1.0" : "1.1";
    const client = { address: this.address, host, version, pseudonym: this.pseudonym } as const;
    const lines = latin1Bytes(
      forwardedRequestFields(before, client).map(([name, value]) => `${name}: ${value}\r\n`).join(""),
    );
    if (before.length === 0) [this.#host, this.#minorVersion, this.#lines] = [host, minorVersion, lines];
    return lines;
  }
}

/**
 * What the gateway tells the upstream about the connection: it is kept for another request, or closed after
 * this one.
 */
export type UpstreamConnection = "kept" | "closed";

/**
 * Writes a request head as the upstream with this authority gets it.
 *
 * @throws {Error} where another head has been parsed into its fields since its own: see
 * {@linkcode HeadFields.assertCurrent}.
 */
export function writeRequestHead(
  out: OutBuffer,
  head: RequestHead,
  bytes: Uint8Array,
  authority: Uint8Array,
  forwarded: ForwardedLines,
  connection: UpstreamConnection,
): void {
  head.fields.assertCurrent(head.generation);
  const method = METHODS.get(head.method);
  if (method !== undefined) out.add(method);
  else out.text(head.method);
  out.add(SPACE);
  if (head.targetPrefix !== "") out.text(head.targetPrefix);
  out.copy(bytes, head.targetStart, head.targetEnd);
  out.add(VERSION_AND_HOST);
  out.add(authority);
  out.add(CRLF);
  copyFields(out, head.fields, bytes, "request", head.minorVersion === 0 ? "expect" : "none");
  out.add(forwarded.of(head, bytes));
  if (head.maxForwards !== undefined) out.text(`Max-Forwards: ${head.maxForwards}\r\n`);
  if (head.bodyLength === CHUNKED) out.add(CHUNKED_LINE);
  if (head.upgrade !== "") out.text(`Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`);
  else if (connection === "closed") out.add(CLOSE_LINE);
  out.add(CRLF);
}

/** How a response body is sent to the client. */
export type BodyCoding = "asIs" | "chunked" | "untilClose";

/** What decides how a response is forwarded, besides its head. */
export interface ResponsePlan {
  /** How the body is sent. */
  readonly coding: BodyCoding;
  /** Whether this is the last response on the client's connection. */
  readonly close: boolean;
  /** Whether a client of HTTP/1.0 has to be told that the connection stays open. */
  readonly sayKeepAlive: boolean;
}

/**
 * Writes a response head as the client gets it.
 *
 * @throws {Error} where another head has been parsed into its fields since its own: see
 * {@linkcode HeadFields.assertCurrent}.
 */
export function writeResponseHead(
  out: OutBuffer,
  head: ResponseHead,
  bytes: Uint8Array,
  plan: ResponsePlan,
): void {
  head.fields.assertCurrent(head.generation);
  out.add(STATUS_LINE_START);
  out.copy(bytes, head.statusStart, head.statusEnd);
  out.add(CRLF);
  const { fields } = head;
  const without = head.status === 204 || head.status < 200 ? "content-length" : "none";
  copyFields(out, fields, bytes, "response", without);
  if (head.status === 101) {
    const protocol = fields.joined(bytes, "upgrade") ?? "";
    out.text(`Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`);
  } else if (head.status >= 200) {
    if (!head.hasDate) out.text(`Date: ${new Date().toUTCString()}\r\n`);
    if (plan.coding === "chunked") out.add(CHUNKED_LINE);
    // A 426 says with Upgrade what it asks for (RFC 9110 §15.5.22).
    const asked = head.status === 426 ? fields.joined(bytes, "upgrade") ?? "" : "";
    if (asked !== "") out.text(`Connection: Upgrade\r\nUpgrade: ${asked}\r\n`);
    if (plan.close) out.add(CLOSE_LINE);
    else if (plan.sayKeepAlive) out.add(KEEP_ALIVE_LINE);
  }
  out.add(CRLF);
}

/** Ends a chunked body with its trailers. */
export function writeLastChunk(out: OutBuffer, trailers: string): void {
  if (trailers === "") out.add(LAST_CHUNK);
  else out.text(`0\r\n${trailers}\r\n`);
}

/**
 * How the body of a response is sent to the client of a request, which depends on the client's version of
 * HTTP.
 */
export function codingFor(response: ResponseHead, request: RequestHead): BodyCoding {
  if (response.bodyLength !== CHUNKED && response.bodyLength !== UNTIL_CLOSE) return "asIs";
  return request.minorVersion === 0 ? "untilClose" : "chunked";
}

/**
 * Copies the lines of the fields that pass, neighbours in one go. Of several `Content-Length` fields, which
 * are all equal, it copies the first.
 */
function copyFields(
  out: OutBuffer,
  fields: HeadFields,
  bytes: Uint8Array,
  of: "request" | "response",
  without: FieldRole | "none",
): void {
  const { named } = fields;
  let lengths = 0;
  let from = -1;
  let to = -1;
  for (let i = 0; i < fields.count; i++) {
    const start = fields.nameStart[i]!;
    const nameEnd = fields.nameEnd[i]!;
    const known = fields.known[i]!;
    const passes = of === "request" ? known.passesInRequest : known.passesInResponse;
    let pass = passes && known.role !== without && (named.size === 0 || !named.has(known.lowerName));
    if (known.role === "content-length") pass &&= lengths++ === 0;
    if (pass && bytes[nameEnd] === COLON) {
      if (from < 0) from = start;
      to = fields.lineEnd[i]!;
      continue;
    }
    if (from >= 0) out.copy(bytes, from, to);
    from = -1;
    if (!pass) continue;
    // White space before the colon in a response must not be forwarded (RFC 9112 §5.1).
    out.copy(bytes, start, nameEnd);
    out.text(": ");
    out.copy(bytes, fields.valueStart[i]!, fields.valueEnd[i]!);
    out.add(CRLF);
  }
  if (from >= 0) out.copy(bytes, from, to);
}

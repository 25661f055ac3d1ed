/**
 * Reads a response from the upstream: waits for its head, takes its body piece by piece, and says why a
 * response broke off.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import type { Failure } from "../failure_log.ts";
import { type HeadSearch, latin1Bytes, searchHeadEnd } from "../../http1/fields.ts";
import type { BodyCoding } from "../../http1/forward.ts";
import type { BodyReader } from "../../http1/framing.ts";
import { MAX_RESPONSE_HEAD_BYTES } from "../../http1/response.ts";
import type { OutBuffer } from "../../http1/out_buffer.ts";
import { errnoOf } from "../pool/counters.ts";

/** Result of {@linkcode readResponseHead}: the connection ended before the head did. */
export const ENDED = -1;
/** Result of {@linkcode readResponseHead}: the bytes that came are not a head. */
const MALFORMED = -2;

const VERSION = latin1Bytes("HTTP/1.");

/**
 * Waits for a whole head. Returns where it ends, {@linkcode ENDED}, or another negative number for a head
 * that is malformed.
 */
export async function readResponseHead(conn: ByteConn, search: HeadSearch): Promise<number> {
  search.at = search.lineStart = 0;
  for (;;) {
    if (conn.end > conn.start) {
      const headEnd = searchHeadEnd(conn.buffer, conn.start, conn.end, search);
      const length = (headEnd > 0 ? headEnd : conn.end) - conn.start;
      if (headEnd < 0 || length > MAX_RESPONSE_HEAD_BYTES) return MALFORMED;
      if (headEnd > 0) return headEnd;
      // Bytes that are not HTTP/1 need not have an end.
      if (!beginsHead(conn)) return MALFORMED;
      if (length === conn.buffer.length) conn.grow();
    }
    if (conn.over) return ENDED;
    await conn.more();
  }
}

function beginsHead({ buffer, start, end }: ByteConn): boolean {
  const length = Math.min(VERSION.length, end - start);
  for (let i = 0; i < length; i++) if (buffer[start + i] !== VERSION[i]) return false;
  return true;
}

/** Adds the part of a body that has come to the outgoing bytes. */
export function takeBody(
  body: BodyReader,
  conn: ByteConn,
  out: OutBuffer,
  coding: BodyCoding,
): "more" | "end" | "malformed" {
  for (;;) {
    const event = body.next(conn.buffer, conn.start, conn.end);
    conn.start = body.position;
    if (event !== "data") return event;
    if (coding === "chunked") out.chunk(conn.buffer, body.dataStart, body.dataEnd);
    else out.copy(conn.buffer, body.dataStart, body.dataEnd);
  }
}

/** The failure of a response that breaks the protocol. */
export function protocolFailure(reason: string): Failure {
  return { code: "EPROTO", step: "response", reason };
}

/** Why a response is not complete; `headEnd` is the result of {@linkcode readResponseHead}. */
export function brokenOff(conn: ByteConn, headEnd: number): Failure {
  if (headEnd === MALFORMED) return protocolFailure("the head is malformed or too long");
  if (conn.ended) {
    return { code: "EOF", step: "response", reason: "connection closed before the end of the response" };
  }
  return {
    code: errnoOf(conn.failure),
    step: "response",
    reason: "connection broken before the end of the response",
  };
}

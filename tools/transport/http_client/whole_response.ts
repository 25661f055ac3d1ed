/**
 * Content that is sent in one piece, for a client of HTTP/1.0 that wants to keep its connection. `Deno.serve`
 * promises to keep it, and breaks that promise after content that is a stream.
 *
 * @module
 */

import type { Failure } from "../failure_log.ts";

/** Most content that is held back until it is complete, in bytes. Longer content is passed on as it comes. */
const MOST_BYTES = 65_536;

/** Thrown when the upstream has not sent all the content that it announced. */
export class BrokenOffError extends Error {
  /** For the log. */
  readonly failure: Failure = {
    code: "EOF",
    step: "response",
    reason: "connection closed before the end of the content",
  };
}

/**
 * Whether the client says `Connection: keep-alive`. A client of HTTP/1.1 need not say it, and `Deno.serve`
 * does not tell the versions apart.
 */
export function asksToKeepAlive({ headers }: Request): boolean {
  return /(?:^|,)\s*keep-alive\s*(?:,|$)/i.test(headers.get("connection") ?? "");
}

/**
 * The response with its content in memory, if that has a length and is not too long; else the same response.
 *
 * @throws {BrokenOffError} where the content ends too early. Nothing has been sent to the client then.
 */
export async function inOnePiece(response: Response): Promise<Response> {
  const { status, headers, body } = response;
  const length = headers.get("content-length");
  if (body === null || length === null || !(Number(length) <= MOST_BYTES)) return response;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await response.bytes();
  } catch (cause) {
    throw new BrokenOffError("the content broke off", { cause });
  }
  return new Response(bytes, { status, headers });
}

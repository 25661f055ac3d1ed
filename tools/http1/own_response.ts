/**
 * Responses that the gateway gives itself.
 *
 * @module
 */

import type { OutBuffer } from "./out_buffer.ts";

/** A response of the gateway's own. */
export interface OwnResponse {
  readonly status: 200 | 400 | 408 | 414 | 431 | 501 | 502 | 504 | 505 | 508;
  /** One line for the body. */
  readonly reason: string;
}

const PHRASES: Readonly<Record<OwnResponse["status"], string>> = {
  200: "OK",
  400: "Bad Request",
  408: "Request Timeout",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  508: "Loop Detected",
};

/** Writes a response of the gateway's own. HEAD gets no body (RFC 9110 §9.3.2). */
export function writeOwnResponse(
  out: OutBuffer,
  { status, reason }: OwnResponse,
  { method, close }: { method: string; close: boolean },
): void {
  const phrase = PHRASES[status];
  const body = `${status} ${phrase}: ${reason}\n`;
  out.text(`HTTP/1.1 ${status} ${phrase}\r\nDate: ${new Date().toUTCString()}\r\n`);
  out.text(`Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n`);
  out.text(`${close ? "Connection: close\r\n" : ""}\r\n${method === "HEAD" ? "" : body}`);
}

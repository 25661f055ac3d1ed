/**
 * Why `fetch` failed, read from the text of its error, which is all that it says.
 *
 * @module
 */

import { constants } from "node:os";
import type { Failure } from "../failure_log.ts";

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number as number, name]),
);

/**
 * Turns an error that `fetch` threw into a {@linkcode Failure} whose text does not depend on the request, so
 * that failures of one kind can be counted together; `undefined` if the request's content failed rather than
 * the upstream.
 *
 * If the kernel gave an errno, the code is its name: `EADDRNOTAVAIL`, `ECONNREFUSED`, `ECONNRESET`. Otherwise
 * `ENOTFOUND` means that the name does not resolve, `EOF` that the upstream closed before it answered,
 * `EPROTO` that the response is not HTTP/1.1, and `EBLOCKED` that `fetch` refuses to connect to the port,
 * such as 6000.
 */
export function explainFetchError(error: unknown): Failure | undefined {
  const text = innermostMessage(error);
  if (text.includes("are blocked")) {
    return { code: "EBLOCKED", step: "connect", reason: "fetch connects to no such port" };
  }
  const [, reason = "", errno] = /([^:()]+) \(os error (\d+)\)/.exec(text) ?? [];
  // The text of a failure of the upstream names the HTTP client, or has the errno of a reset. All other
  // errors come from the request's body.
  if (errno === undefined && !text.includes("client error (")) return undefined;

  const step = text.includes("client error (Connect)") ? "connect" : "response";
  if (errno !== undefined) {
    return {
      code: ERRNO_NAMES.get(Number(errno)) ?? `errno ${errno}`,
      step,
      reason: reason.trim().toLowerCase(),
    };
  }
  if (text.includes("dns error")) return { code: "ENOTFOUND", step, reason: "name does not resolve" };
  if (text.includes("connection closed before message completed")) {
    return { code: "EOF", step, reason: "connection closed before the response" };
  }
  return { code: "EPROTO", step, reason: text.slice(text.lastIndexOf(": ") + 1).trim() };
}

function innermostMessage(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  return innermost instanceof Error ? innermost.message : String(innermost);
}

/**
 * A request as text.
 *
 * @module
 */

import type { LoadPlan } from "../scenario/plan.ts";

/** What a request is, besides its address and its headers. */
export type RequestKind = Pick<LoadPlan, "method" | "requestBodyBytes">;

/**
 * Bytes of each request's body; `undefined` for a request that has none and needs no length. POST, PUT and
 * PATCH say their length even where it is 0 (RFC 9110 §8.6).
 */
export function bodyBytesOf({ method, requestBodyBytes }: RequestKind): number | undefined {
  return requestBodyBytes ?? (method === undefined || method === "DELETE" ? undefined : 0);
}

/**
 * A request, by default a GET without a body, with headers of the user's. A `Host` among them replaces our
 * own.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { requestText } from "./http_request.ts";
 *
 * assertEquals(
 *   requestText("http://198.18.0.2:8080/x?y", { "X-A": "b" }),
 *   "GET /x?y HTTP/1.1\r\nHost: 198.18.0.2:8080\r\nX-A: b\r\n\r\n",
 * );
 * ```
 */
export function requestText(
  url: string,
  headers: Readonly<Record<string, string>>,
  kind: RequestKind = {},
): string {
  const { host, pathname, search } = new URL(url);
  const given = Object.keys(headers).some((name) => name.toLowerCase() === "host");
  const lines = Object.entries(given ? headers : { Host: host, ...headers });
  const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const bytes = bodyBytesOf(kind);
  const length = bytes === undefined ? "" : `Content-Length: ${bytes}\r\n`;
  const start = `${kind.method ?? "GET"} ${pathname}${search} HTTP/1.1\r\n`;
  return `${start}${fields}${length}\r\n${"x".repeat(bytes ?? 0)}`;
}

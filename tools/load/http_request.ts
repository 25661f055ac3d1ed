/**
 * A request as text.
 *
 * @module
 */

/**
 * A GET request without a body, with headers of the user's. A `Host` among them replaces our own.
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
export function requestText(url: string, headers: Readonly<Record<string, string>>): string {
  const { host, pathname, search } = new URL(url);
  const given = Object.keys(headers).some((name) => name.toLowerCase() === "host");
  const lines = Object.entries(given ? headers : { Host: host, ...headers });
  const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `GET ${pathname}${search} HTTP/1.1\r\n${fields}\r\n`;
}

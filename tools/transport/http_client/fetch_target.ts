/**
 * Which requests `fetch` sends unchanged. It takes a URL rather than a request target, and parses it anew. So
 * the target that the upstream would get can differ from the target that the client sent, which a gateway may
 * not let happen.
 *
 * @module
 */

import { isAuthority } from "../../http1/authority.ts";

/**
 * A target of these characters alone stays unchanged, unless a dot begins one of its segments: see
 * {@linkcode fetchKeepsTarget}.
 */
const PLAIN_TARGET = /^\/[\w\-.~!$&()*+,;=:@%/]*(?:\?[\w\-.~!$&()*+,;=:@%/?]*)?$/;

/** A segment that begins with a dot, plain or percent-encoded, and so might be `.` or `..`. */
const DOTTED_SEGMENT = /\/(?:\.|%2e)/i;

/** An absolute target, as a client sends it to a proxy (RFC 9112 §3.2.2). */
const ABSOLUTE = /^http:\/\/([^/?#\\]+)([/?].*)$/i;

/**
 * What `Deno.serve` makes of a URL without a host, such as `file:///x`: it puts a `/` in front. A path that
 * looks so was sent either way.
 */
const HOSTLESS_URL = /^\/[a-z][a-z\d+.\-]*:\/\/(?:[/?]|$)/i;

/** The unchanged parts of a request's URL. */
export interface SplitUrl {
  /** The host, perhaps with a port, that the client asked for. */
  readonly authority: string;
  /** Path and query, byte for byte as received; with `/` in front if an absolute target has only a query. */
  readonly target: string;
}

/**
 * Splits the URL that `Deno.serve` gives, which is `http://`, the `Host` field and the target joined as
 * received, or an absolute target alone.
 *
 * `undefined` if the request has no valid host (RFC 9112 §3.2) or its target is neither a path nor an `http`
 * URL, or may be a URL without a host.
 */
export function splitUrl(url: string, host: string | null): SplitUrl | undefined {
  if (host === null || !isAuthority(host)) return undefined;
  if (url.startsWith(host, 7) && url.charCodeAt(7 + host.length) === 0x2f && url.startsWith("http://")) {
    const target = url.slice(7 + host.length);
    return HOSTLESS_URL.test(target) ? undefined : { authority: host, target };
  }
  const [, authority, target] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined || target === undefined || !isAuthority(authority)) return undefined;
  return { authority, target: target.startsWith("?") ? `/${target}` : target };
}

/**
 * Whether `fetch` sends this path and query byte for byte.
 *
 * @example
 * ```ts
 * import { assert, assertFalse } from "@std/assert";
 * import { fetchKeepsTarget } from "./fetch_target.ts";
 *
 * assert(fetchKeepsTarget("/a/b?c=%20d"));
 * assertFalse(fetchKeepsTarget("/a/../b"));
 * assertFalse(fetchKeepsTarget("/a?b='c'"));
 * ```
 */
export function fetchKeepsTarget(target: string): boolean {
  if (PLAIN_TARGET.test(target) && !DOTTED_SEGMENT.test(target)) return true;
  // The parser keeps a fragment, but fetch does not send it.
  return !target.includes("#") &&
    URL.parse(`http://h${target}`)?.href === `http://h${target}`;
}

/** Methods that `fetch` is known to send unchanged; for all others, {@linkcode fetchKeepsMethod} tries. */
const PLAIN_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/**
 * Whether `fetch` sends this method unchanged. It turns `delete` into `DELETE`, and refuses `CONNECT`,
 * `TRACE` and `TRACK`.
 */
export function fetchKeepsMethod(method: string): boolean {
  if (PLAIN_METHODS.has(method)) return true;
  try {
    return new Request("http://h/", { method }).method === method;
  } catch {
    return false;
  }
}

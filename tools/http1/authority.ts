/**
 * The grammar of a host and a port, as they stand in `Host` and in an absolute target (RFC 9110 §7.2 and RFC
 * 3986 §3.2).
 *
 * @module
 */

import { latin1 } from "./fields.ts";

/**
 * A name or an IPv4 address, and a port. RFC 3986 also allows a comma in a name. It is refused here, because
 * it makes one host look like a list of two.
 */
const NAME_AND_PORT = /^([\w\-.~!$&'()*+;=%]+)(?::\d*)?$/;
const LITERAL_AND_PORT = /^\[([^[\]]+)\](?::\d*)?$/;
const BAD_PERCENT = /%(?![0-9A-Fa-f]{2})/;
const IP_FUTURE = /^v[0-9A-Fa-f]+\.[\w\-.~!$&'()*+,;=:]+$/i;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/**
 * Whether a text is a host, perhaps with a port. The host may not be empty: an `http` URL without a host is
 * invalid (RFC 9110 §4.2.1).
 *
 * @example
 * ```ts
 * import { assert, assertFalse } from "@std/assert";
 * import { isAuthority } from "./authority.ts";
 *
 * assert(isAuthority("[2001:db8::1]:8080"));
 * assertFalse(isAuthority(":8080"));
 * assertFalse(isAuthority("h%zz"));
 * ```
 */
export function isAuthority(text: string): boolean {
  if (NAME_AND_PORT.test(text)) return !text.includes("%") || !BAD_PERCENT.test(text);
  const literal = LITERAL_AND_PORT.exec(text)?.[1];
  return literal !== undefined && (isIPv6(literal) || IP_FUTURE.test(literal));
}

/**
 * Reads authorities, and remembers the last: nearly all requests of a gateway ask for the same one, and
 * making a text of its bytes would cost more than all else that is done with it.
 */
export class AuthorityReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #text: string | undefined;

  /** The authority between `start` and `end`; `undefined` if it is none: see {@linkcode isAuthority}. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    const last = this.#bytes;
    const length = end - start;
    let same = 0;
    while (same < length && bytes[start + same] === last[same]) same++;
    if (same < length || length !== last.length) {
      const text = latin1(bytes, start, end);
      this.#bytes = bytes.slice(start, end);
      this.#text = isAuthority(text) ? text : undefined;
    }
    return this.#text;
  }
}

/** RFC 3986's IPv6address: eight groups, of which `::` stands for one or more that are 0. */
function isIPv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  const last = groups.at(-1) ?? "";
  // An IPv4 address stands for the last two groups, so nothing may follow it.
  const endsInIPv4 = IPV4.test(last) && text.endsWith(last);
  if (!groups.every((group, i) => GROUP.test(group) || (endsInIPv4 && i === groups.length - 1))) return false;
  const count = groups.length + (endsInIPv4 ? 1 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

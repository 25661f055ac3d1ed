/**
 * The head of an HTTP/1.1 response, parsed strictly: a head that clients could read as different responses is
 * not forwarded.
 *
 * @module
 */

import { HeadFields, IN_VALUE, isWord, SP } from "./fields.ts";
import { type BodyLength, CHUNKED, parseContentLength, UNTIL_CLOSE } from "./framing.ts";

/** Longest head in bytes; a longer head is refused. */
export const MAX_RESPONSE_HEAD_BYTES = 262_144;

/**
 * One response head at a time; positions are in the bytes it was parsed from, and hold until those change.
 */
export class ResponseHead {
  status = 200;
  /** Where the status starts; the reason follows it. */
  statusStart = 0;
  statusEnd = 0;
  bodyLength: BodyLength = 0;
  /** Whether a `Content-Length` came, with a body or without. */
  hasLength = false;
  hasDate = false;
  /** Whether the backend keeps the connection open for another request. */
  keepAlive = true;
  /** Whether `Connection` has the option `upgrade`. */
  upgrades = false;

  /** The generation of its fields: see {@linkcode HeadFields.assertCurrent}. */
  generation = 0;

  /**
   * A head whose fields are parsed into `fields`, which many heads may share: each is parsed and written on
   * in one go.
   */
  constructor(readonly fields: HeadFields) {}

  /** Whether another head follows for the same request. None follows 101. */
  get interim(): boolean {
    return this.status < 200 && this.status !== 101;
  }

  /**
   * Parses the head between `start` and `end`, which is behind the head's empty line. Returns what is wrong
   * with it, if anything.
   */
  parse(bytes: Uint8Array, start: number, end: number, requestMethod: string): string | undefined {
    const isHttp1 = bytes[start] === 72 && bytes[start + 1] === 84 && bytes[start + 2] === 84 &&
      bytes[start + 3] === 80 && bytes[start + 4] === 47 && bytes[start + 5] === 49 &&
      bytes[start + 6] === 46;
    const minor = bytes[start + 7]! - 48;
    if (!isHttp1 || !(minor >= 0 && minor <= 9) || bytes[start + 8] !== SP) {
      return "the status line is malformed";
    }
    let status = 0;
    let i = start + 9;
    for (; i < start + 12; i++) {
      const digit = bytes[i]! - 48;
      if (!(digit >= 0 && digit <= 9)) return "the status is malformed";
      status = status * 10 + digit;
    }
    if (status < 100 || (bytes[i] !== SP && bytes[i] !== 13)) return "the status is malformed";
    while (IN_VALUE[bytes[i]!] === 1) i++;
    if (bytes[i] !== 13) return "the reason is malformed";
    this.status = status;
    this.statusStart = start + 9;
    this.statusEnd = i;
    const parsed = this.fields.parse(bytes, i + 2, end - 2, "response");
    this.generation = this.fields.generation;
    if (parsed !== "ok") return "a header field is malformed";
    return this.#readFields(bytes, minor, requestMethod);
  }

  #readFields(bytes: Uint8Array, minor: number, requestMethod: string): string | undefined {
    const { fields } = this;
    let length = -1;
    let codings = 0;
    let connections = 0;
    this.hasDate = false;
    this.keepAlive = minor > 0;
    this.upgrades = false;
    for (let i = 0; i < fields.count; i++) {
      const { role } = fields.known[i]!;
      if (role === "") continue;
      const [start, end] = [fields.valueStart[i]!, fields.valueEnd[i]!];
      if (role === "content-length") {
        const value = parseContentLength(bytes, start, end);
        if (value < 0 || (length >= 0 && value !== length)) {
          return "the Content-Length is malformed, or there are two";
        }
        length = value;
      } else if (role === "transfer-encoding") {
        if (codings++ > 0 || !isWord(bytes, start, end, "chunked")) {
          return "the Transfer-Encoding is not exactly chunked";
        }
      } else if (role === "connection") connections++;
      else if (role === "date") this.hasDate = true;
    }
    if (codings > 0 && (length >= 0 || minor === 0)) return "Transfer-Encoding stands where it must not";
    if (connections > 0) {
      const options = fields.readConnection(bytes);
      if (options.includes("close")) this.keepAlive = false;
      else if (options.includes("keep-alive")) this.keepAlive = true;
      this.upgrades = options.includes("upgrade");
    }
    this.hasLength = length >= 0;
    const { status } = this;
    const bodyless = requestMethod === "HEAD" || status < 200 || status === 204 || status === 304;
    this.bodyLength = bodyless ? 0 : codings > 0 ? CHUNKED : length >= 0 ? length : UNTIL_CLOSE;
    if (this.bodyLength === UNTIL_CLOSE) this.keepAlive = false;
  }
}

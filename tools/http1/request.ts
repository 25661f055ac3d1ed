/**
 * The head of an HTTP/1.1 request, parsed strictly: a head that two parsers could read as different requests
 * is refused.
 *
 * @module
 */

import { AuthorityReader, isAuthority } from "./authority.ts";
import { countedForwards, hasBeenHere, LOOP } from "./forwarding_rules.ts";
import { HeadFields, isWord, latin1, SP, tableOf, TOKEN_LOWER } from "./fields.ts";
import { type BodyLength, CHUNKED, parseContentLength, statusForCodings } from "./framing.ts";

/** Why the gateway answers a request itself: it refuses the request, or `Max-Forwards` ends here (200). */
export interface Refusal {
  readonly status: 200 | 400 | 408 | 414 | 431 | 501 | 505 | 508;
  /** What is wrong, for whoever wrote the client. */
  readonly reason: string;
}

/** Longest target in bytes; a longer target is answered 414. RFC 9110 §4.1 asks for at least 8000. */
export const MAX_TARGET_BYTES = 16_384;
/** Longest head in bytes; a longer head is answered 431. */
export const MAX_HEAD_BYTES = 65_536;

/**
 * 1 for each byte that a target may contain: all but white space, control characters and `#`. Bytes that RFC
 * 3986 forbids but clients send pass untouched.
 */
const IN_TARGET = tableOf((byte) => Number(byte > SP && byte !== 127 && byte !== 35));
/** Methods that may be sent again when a connection fails (RFC 9110 §9.2.2). */
export const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);
const NO_BODY: BodyLength = 0;

/** Reads `Host`, for all clients, which nearly all ask for the same. */
const authorities = new AuthorityReader();

/** One request head at a time; positions are in the bytes it was parsed from, and hold until those change. */
export class RequestHead {
  /** The method as received; methods are case-sensitive. */
  method = "GET";
  targetStart = 0;
  targetEnd = 0;
  /**
   * What has to be put in front of the target: `/` for an absolute target without a path, such as
   * `http://a?b`.
   */
  targetPrefix = "";
  /** HTTP/1.0 has no chunks, no interim responses, and closes unless asked not to. */
  minorVersion = 1;
  /** The authority that the client asks for: that of an absolute target, else that of `Host`. */
  host = "";
  bodyLength: BodyLength = NO_BODY;
  /** Whether the client keeps the connection open for another request. */
  keepAlive = true;
  expectsContinue = false;
  /**
   * The protocols that the client offers to upgrade to; empty for none. HTTP/2 is never forwarded, because it
   * would bypass this gateway's rules.
   */
  upgrade = "";
  /** The `Max-Forwards` to forward, for a method that uses the field. */
  maxForwards: number | undefined;

  /** The generation of its fields: see {@linkcode HeadFields.assertCurrent}. */
  generation = 0;

  /**
   * A head whose fields are parsed into `fields`, which many heads may share: each is parsed and written on
   * in one go. A request whose `Via` has the name `pseudonym` is refused as a loop.
   */
  constructor(readonly fields: HeadFields, readonly pseudonym: string) {}

  /**
   * Whether the request may be sent again when it is unknown whether the upstream acted on it (RFC 9110
   * §9.2.2).
   */
  get repeatable(): boolean {
    return this.bodyLength === NO_BODY && IDEMPOTENT_METHODS.has(this.method);
  }

  /**
   * Parses the head between `start` and `end`, which is behind the head's empty line. Returns why it is
   * refused, if it is.
   */
  parse(bytes: Uint8Array, start: number, end: number): Refusal | undefined {
    const fieldsStart = this.#parseLine(bytes, start);
    if (typeof fieldsStart === "object") return fieldsStart;
    const parsed = this.fields.parse(bytes, fieldsStart, end - 2, "request");
    this.generation = this.fields.generation;
    if (parsed === "malformed") return refuse(400, "a header field is malformed");
    if (parsed === "tooMany") return refuse(431, "there are too many header fields");
    return this.#readFields(bytes) ?? this.#readTarget(bytes);
  }

  /** Returns where the fields start. */
  #parseLine(bytes: Uint8Array, start: number): number | Refusal {
    let i = start;
    while (TOKEN_LOWER[bytes[i]!] !== 0) i++;
    if (i === start || bytes[i] !== SP) return refuse(400, "the request line is malformed");
    if (i - start > 64) return refuse(501, "the method is not known");
    this.method = bytes[start] === 71 && i - start === 3 && bytes[start + 1] === 69 && bytes[start + 2] === 84
      ? "GET"
      : latin1(bytes, start, i);
    const targetStart = ++i;
    while (IN_TARGET[bytes[i]!] === 1) i++;
    this.targetStart = targetStart;
    this.targetEnd = i;
    if (i === targetStart || bytes[i] !== SP) return refuse(400, "the request line is malformed");
    if (i - targetStart > MAX_TARGET_BYTES) return refuse(414, "the target is too long");
    return this.#parseVersion(bytes, i + 1);
  }

  #parseVersion(bytes: Uint8Array, at: number): number | Refusal {
    const [major, dot, minor] = [bytes[at + 5]! - 48, bytes[at + 6], bytes[at + 7]! - 48];
    const isHttp = bytes[at] === 72 && bytes[at + 1] === 84 && bytes[at + 2] === 84 && bytes[at + 3] === 80 &&
      bytes[at + 4] === 47;
    const ends = bytes[at + 8] === 13 && bytes[at + 9] === 10;
    if (!isHttp || dot !== 46 || !ends || !(major >= 0 && major <= 9) || !(minor >= 0 && minor <= 9)) {
      return refuse(400, "the HTTP version is malformed");
    }
    if (major !== 1) return refuse(505, "only versions 1.0 and 1.1 are spoken here");
    this.minorVersion = minor === 0 ? 0 : 1;
    return at + 10;
  }

  #readFields(bytes: Uint8Array): Refusal | undefined {
    const { fields } = this;
    this.host = "";
    this.bodyLength = NO_BODY;
    this.keepAlive = this.minorVersion === 1;
    this.expectsContinue = false;
    this.upgrade = "";
    this.maxForwards = undefined;
    let hosts = 0;
    let lengths = 0;
    let codings = 0;
    let unknownCoding = false;
    let connections = 0;
    let maxForwards = 0;
    for (let i = 0; i < fields.count; i++) {
      const { role } = fields.known[i]!;
      if (role === "") continue;
      const [start, end] = [fields.valueStart[i]!, fields.valueEnd[i]!];
      if (role === "host") {
        if (hosts++ > 0) return refuse(400, "there is more than one Host");
        // An empty Host says that the target has no authority (RFC 9112 §3.2).
        const host = start < end ? authorities.read(bytes, start, end) : "";
        if (host === undefined) return refuse(400, "the Host is malformed");
        this.host = host;
      } else if (role === "content-length") {
        this.bodyLength = parseContentLength(bytes, start, end);
        if (lengths++ > 0 || this.bodyLength < 0) {
          return refuse(400, "the Content-Length is malformed, or given twice");
        }
      } else if (role === "transfer-encoding") {
        codings++;
        if (!isWord(bytes, start, end, "chunked")) unknownCoding = true;
      } else if (role === "expect") this.expectsContinue = isWord(bytes, start, end, "100-continue");
      else if (role === "connection") connections++;
      else if (role === "max-forwards") maxForwards++;
      else if (role === "via" && hasBeenHere(latin1(bytes, start, end), this.pseudonym)) return LOOP;
    }
    if (codings > 0) {
      if (lengths > 0) return refuse(400, "both Content-Length and Transfer-Encoding are given");
      if (this.minorVersion === 0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
      if (unknownCoding || codings > 1) {
        const status = statusForCodings(fields.joined(bytes, "transfer-encoding")!);
        return refuse(status, "the Transfer-Encoding is not exactly chunked");
      }
      this.bodyLength = CHUNKED;
    }
    if (hosts === 0 && this.minorVersion === 1) return refuse(400, "there is no Host");
    if (connections > 0) this.#readConnection(bytes);
    if (maxForwards > 0) return this.#readMaxForwards(bytes);
  }

  #readMaxForwards(bytes: Uint8Array): Refusal | undefined {
    const { fields, method } = this;
    try {
      this.maxForwards = countedForwards(method, fields.joined(bytes, "max-forwards"));
    } catch {
      return refuse(400, "the Max-Forwards is malformed");
    }
    if (this.maxForwards === undefined) return undefined;
    // The field is forwarded with another value.
    fields.named = new Set([...fields.named, "max-forwards"]);
    if (this.maxForwards >= 0) return undefined;
    return method === "TRACE"
      ? refuse(501, "TRACE is not answered by this gateway")
      : refuse(200, "this gateway is as far as the request was to come");
  }

  #readConnection(bytes: Uint8Array): void {
    const options = this.fields.readConnection(bytes);
    if (options.includes("close")) this.keepAlive = false;
    else if (options.includes("keep-alive")) this.keepAlive = true;
    if (options.includes("upgrade") && this.minorVersion === 1 && this.bodyLength === NO_BODY) {
      const upgrade = this.fields.joined(bytes, "upgrade") ?? "";
      if (!/(?:^|,)\s*h2c?\s*(?:,|$)/i.test(upgrade)) this.upgrade = upgrade;
    }
  }

  /** A target is a path, `*` for OPTIONS, or an absolute `http` URL (RFC 9112 §3.2). */
  #readTarget(bytes: Uint8Array): Refusal | undefined {
    this.targetPrefix = "";
    if (this.method === "CONNECT") return refuse(501, "CONNECT is for proxies that tunnel");
    const first = bytes[this.targetStart];
    if (first !== 47) {
      const isStar = first === 42 && this.targetEnd - this.targetStart === 1;
      if (!(isStar && this.method === "OPTIONS")) {
        const refusal = this.#readAbsoluteTarget(latin1(bytes, this.targetStart, this.targetEnd));
        if (refusal !== undefined) return refusal;
      }
    }
  }

  #readAbsoluteTarget(target: string): Refusal | undefined {
    const match = /^http:\/\/([^/?]+)/i.exec(target);
    if (match === null) return refuse(400, "the target is neither a path nor an http URL");
    this.host = match[1]!;
    if (!isAuthority(this.host)) return refuse(400, "the target's authority is malformed");
    this.targetStart += match[0].length;
    if (target[match[0].length] === "/") return undefined;
    // RFC 9112 §3.2.4: OPTIONS for a URL without a path and a query asks about the server as a whole.
    this.targetPrefix = this.method === "OPTIONS" && this.targetStart === this.targetEnd ? "*" : "/";
  }
}

function refuse(status: Refusal["status"], reason: string): Refusal {
  return { status, reason };
}

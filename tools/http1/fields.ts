/**
 * The fields of an HTTP/1.1 message head, found and checked in the received bytes (RFC 9112 §5).
 *
 * Nothing is decoded or copied without need: a field is four positions in the buffer and its
 * {@linkcode KnownField}, which says what a gateway does with a field of this name.
 *
 * @module
 */

import { forwardedResponseFields, namedInConnection, WRITTEN_BY_GATEWAY } from "./forwarding_rules.ts";

/** Fields that the gateway itself reads. */
export type FieldRole =
  | "connection"
  | "content-length"
  | "date"
  | "expect"
  | "host"
  | "max-forwards"
  | "transfer-encoding"
  | "upgrade"
  | "via"
  | "x-forwarded-for"
  | "";

const ROLES: ReadonlySet<string> = new Set<FieldRole>([
  "connection",
  "content-length",
  "date",
  "expect",
  "host",
  "max-forwards",
  "transfer-encoding",
  "upgrade",
  "via",
  "x-forwarded-for",
]);

/** What a field's name says about it. */
export interface KnownField {
  /** The name in lower case. */
  readonly lowerName: string;
  /** What the gateway reads the field for; empty for most fields. */
  readonly role: FieldRole;
  /** Whether the field is forwarded from the client to the upstream, unless `Connection` names it. */
  readonly passesInRequest: boolean;
  /** Whether the field is forwarded from the upstream to the client, unless `Connection` names it. */
  readonly passesInResponse: boolean;
}

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;

/** For each byte that a token may contain (RFC 9110 §5.6.2), the byte in lower case; 0 for all others. */
export const TOKEN_LOWER: Uint8Array = tableOf((byte) => {
  const char = String.fromCharCode(byte);
  return /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char) ? char.toLowerCase().charCodeAt(0) : 0;
});

/** 1 for each byte that a field value may contain: HTAB, SP, VCHAR, obs-text (RFC 9110 §5.5). */
export const IN_VALUE: Uint8Array = tableOf((byte) => Number(byte === HTAB || (byte >= SP && byte !== 127)));

/** Makes a table with an entry for each of the 256 bytes. */
export function tableOf(entry: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => entry(byte));
}

const KEEP_ALIVE: readonly string[] = ["keep-alive"];
const CLOSE: readonly string[] = ["close"];

/** Most fields a head may have. */
const MAX_FIELDS = 512;

/**
 * Names that were met before, by their hash. Entries never change, so all sessions may share them.
 */
const INTERNED = 1024;
const interned: (KnownField & { bytes: Uint8Array } | undefined)[] = new Array(INTERNED).fill(undefined);
let internedCount = 0;

/**
 * The fields of one head at a time. The next `parse` replaces them: see {@linkcode HeadFields.assertCurrent}.
 */
export class HeadFields {
  /** Number of fields. */
  count = 0;
  /** Changes with each {@linkcode parse}: see {@linkcode assertCurrent}. */
  generation = 0;
  /** Names of fields that the `Connection` fields list, in lower case; see {@linkcode namedInConnection}. */
  named: ReadonlySet<string> = new Set();
  readonly known: KnownField[] = [];
  readonly nameStart = new Int32Array(MAX_FIELDS);
  readonly nameEnd = new Int32Array(MAX_FIELDS);
  readonly valueStart = new Int32Array(MAX_FIELDS);
  /** Where the value ends, without the white space behind it. */
  readonly valueEnd = new Int32Array(MAX_FIELDS);
  /** Where the next line starts. */
  readonly lineEnd = new Int32Array(MAX_FIELDS);

  /**
   * Finds the fields between `at`, where the first field starts, and `end`, behind the CRLF of the last
   * field.
   *
   * White space between a name and its colon is refused in requests and skipped in responses (RFC 9112 §5.1).
   * A line that continues the line before it (obs-fold) is refused in both.
   */
  parse(
    bytes: Uint8Array,
    at: number,
    end: number,
    of: "request" | "response",
  ): "ok" | "malformed" | "tooMany" {
    let count = 0;
    this.generation = (this.generation + 1) | 0;
    while (at < end) {
      if (count === MAX_FIELDS) return "tooMany";
      let i = at;
      let hash = 0;
      for (let lower = TOKEN_LOWER[bytes[i]!]!; lower !== 0; lower = TOKEN_LOWER[bytes[++i]!]!) {
        hash = (Math.imul(hash, 31) + lower) | 0;
      }
      const nameEnd = i;
      if (nameEnd === at) return "malformed";
      if (bytes[i] !== COLON) {
        if (of === "request") return "malformed";
        while (isSpace(bytes[i])) i++;
        if (bytes[i] !== COLON) return "malformed";
      }
      do i++; while (isSpace(bytes[i]));
      this.valueStart[count] = i;
      while (IN_VALUE[bytes[i]!] === 1) i++;
      if (bytes[i] !== CR || bytes[i + 1] !== LF) return "malformed";
      let valueEnd = i;
      while (valueEnd > this.valueStart[count]! && isSpace(bytes[valueEnd - 1])) valueEnd--;
      this.nameStart[count] = at;
      this.nameEnd[count] = nameEnd;
      this.valueEnd[count] = valueEnd;
      this.lineEnd[count] = at = i + 2;
      this.known[count] = knownField(bytes, this.nameStart[count]!, nameEnd, hash);
      count++;
    }
    this.count = count;
    this.named = namedInConnection(undefined);
    return at === end ? "ok" : "malformed";
  }

  /**
   * Makes sure that these are still the fields of the head that was parsed as this generation. All sessions
   * of a proxy share one `HeadFields`: an `await` between parsing a head and writing it on would let another
   * session's head in, and send one client's fields to another client's backend.
   *
   * @throws {Error} where another head has been parsed since, which is a fault in the proxy.
   */
  assertCurrent(generation: number): void {
    if (generation !== this.generation) {
      throw new Error(
        "the fields belong to another head: nothing may wait between parsing a head and writing it",
      );
    }
  }

  /** The value of a field; each byte becomes a character. */
  value(bytes: Uint8Array, index: number): string {
    return latin1(bytes, this.valueStart[index]!, this.valueEnd[index]!);
  }

  /** Reads the `Connection` fields into `named`, and returns their options in lower case. */
  readConnection(bytes: Uint8Array): readonly string[] {
    const only = this.#onlyOne("connection");
    if (only >= 0) {
      // Nearly all there are say one of these, and need no text made for it.
      const [start, end] = [this.valueStart[only]!, this.valueEnd[only]!];
      if (isWord(bytes, start, end, "keep-alive")) return KEEP_ALIVE;
      if (isWord(bytes, start, end, "close")) return CLOSE;
    }
    const joined = this.joined(bytes, "connection") ?? "";
    this.named = namedInConnection(joined);
    return joined.toLowerCase().split(",").map((option) => option.trim());
  }

  /** The place of the only field of a role; -1 if there are none or several. */
  #onlyOne(role: FieldRole): number {
    let only = -1;
    for (let i = 0; i < this.count; i++) {
      if (this.known[i]!.role !== role) continue;
      if (only >= 0) return -1;
      only = i;
    }
    return only;
  }

  /** The values of all fields of a role, joined by commas; `undefined` if there is no such field. */
  joined(bytes: Uint8Array, role: FieldRole): string | undefined {
    let joined: string | undefined;
    for (let i = 0; i < this.count; i++) {
      if (this.known[i]!.role !== role) continue;
      const value = this.value(bytes, i);
      joined = joined === undefined ? value : `${joined}, ${value}`;
    }
    return joined;
  }
}

/** Turns bytes into a string; each byte becomes a character. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** Turns a string into bytes; each character becomes a byte. The inverse of {@linkcode latin1}. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Whether bytes are a word, which is given in lower case; the case of the bytes does not matter. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[start + i]!;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** State of a search for the end of a head. Positions are counted from where the head starts. */
export interface HeadSearch {
  /** Where the search continues. */
  at: number;
  /** Where the line that is being searched starts. */
  lineStart: number;
}

/**
 * Continues the search for the empty line that ends a head. Returns where the body starts, 0 if the end has
 * not come yet, and -1 for a head that no message can have: with a CR or LF that stands alone, or a control
 * character.
 */
export function searchHeadEnd(bytes: Uint8Array, start: number, end: number, search: HeadSearch): number {
  let at = start + search.at;
  let lineStart = start + search.lineStart;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= SP || byte === HTAB) continue;
    if (byte === LF) {
      if (at === lineStart || bytes[at - 1] !== CR) return -1;
      if (at === lineStart + 1) return at + 1;
      lineStart = at + 1;
    } else if (byte !== CR || (at + 1 < end && bytes[at + 1] !== LF)) return -1;
  }
  search.at = at - start;
  search.lineStart = lineStart - start;
  return 0;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

function knownField(bytes: Uint8Array, start: number, end: number, hash: number): KnownField {
  const length = end - start;
  let place = (hash ^ (hash >>> 11)) & (INTERNED - 1);
  for (let tries = 0; tries < 8; tries++, place = (place + 1) & (INTERNED - 1)) {
    const entry = interned[place];
    if (entry === undefined) {
      const made = describe(bytes, start, end);
      // Clients choose the names, so the table must not grow without limit.
      if (length <= 64 && internedCount < INTERNED / 4) {
        interned[place] = made;
        internedCount++;
      }
      return made;
    }
    if (entry.bytes.length !== length) continue;
    let same = 0;
    while (same < length && entry.bytes[same] === TOKEN_LOWER[bytes[start + same]!]) same++;
    if (same === length) return entry;
  }
  return describe(bytes, start, end);
}

function describe(bytes: Uint8Array, start: number, end: number): KnownField & { bytes: Uint8Array } {
  const lowerName = latin1(bytes, start, end).toLowerCase();
  const passes = lowerName === "trailer" || forwardedResponseFields([[lowerName, ""]]).length > 0;
  return {
    bytes: latin1Bytes(lowerName),
    lowerName,
    role: (ROLES.has(lowerName) ? lowerName : "") as FieldRole,
    passesInRequest: passes && !WRITTEN_BY_GATEWAY.has(lowerName),
    passesInResponse: passes,
  };
}

/**
 * Where the body of an HTTP/1.1 message ends (RFC 9112 §6 and §7), parsed strictly: input with two readings
 * is rejected.
 *
 * @module
 */

import { passesAsTrailer } from "./forwarding_rules.ts";
import { CR, HTAB, LF, SP } from "./fields.ts";

/** The body comes in chunks. */
export const CHUNKED = -1;
/** The body ends where the connection does; responses only. */
export const UNTIL_CLOSE = -2;

/**
 * Length of a body in bytes if it is known beforehand, else {@linkcode CHUNKED} or {@linkcode UNTIL_CLOSE}.
 */
export type BodyLength = number;

/** The value of a `Content-Length`, which must be 1 to 15 digits and nothing else; -1 for anything else. */
export function parseContentLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const CODINGS = /^[\w!#$%&'*+\-.^`|~]+(?:[ \t]*,[ \t]*[\w!#$%&'*+\-.^`|~]+)*$/;

/**
 * The status with which to refuse a `Transfer-Encoding` other than `chunked`. 501 is for codings that are not
 * known here (RFC 9112 §6.1); 400 is for what is no list of codings, and for `chunked` where it must not
 * stand.
 */
export function statusForCodings(codings: string): 400 | 501 {
  if (!CODINGS.test(codings)) return 400;
  return /(?:^|,)[ \t]*chunked[ \t]*,/i.test(codings) ? 400 : 501;
}

/** Longest line of a chunk's extensions, in bytes. */
const MAX_CHUNK_LINE = 4096;
/** Longest trailer section, in bytes. */
const MAX_TRAILERS = 65_536;

/**
 * What {@linkcode BodyReader.next} found:
 * - `data`: body bytes, from `dataStart` to `dataEnd`;
 * - `more`: nothing further in these bytes;
 * - `end`: the message ends at `position`;
 * - `malformed`: bytes that no body can have.
 */
export type BodyEvent = "data" | "more" | "end" | "malformed";

const enum State {
  Length,
  UntilClose,
  SizeStart,
  Size,
  Extension,
  SizeLf,
  Data,
  DataCr,
  DataLf,
  TrailerStart,
  Trailer,
  TrailerLf,
  EndLf,
  End,
}

/** A trailer field, with its line end. */
const TRAILER = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[^\r]*\r\n/y;

/**
 * Takes a body apart as its bytes come. Chunk extensions are checked and dropped, because they belong to one
 * connection (RFC 9112 §7.1.1). Trailers are checked, and those that may be forwarded are kept.
 */
export class BodyReader {
  /**
   * The trailers to forward, each with its line end. Complete once the body has ended; nearly always empty.
   */
  trailers = "";
  /** Where the last `next` stopped reading. */
  position = 0;
  /** Where the body bytes of a `data` start. */
  dataStart = 0;
  /** Where those body bytes end. */
  dataEnd = 0;
  #state: State;
  #left = 0;
  #digits = 0;
  #lineBytes = 0;

  constructor(length: BodyLength) {
    this.#left = length;
    this.#state = length === CHUNKED
      ? State.SizeStart
      : length === UNTIL_CLOSE
      ? State.UntilClose
      : State.Length;
  }

  /**
   * Whether the whole body was read. A body that lasts until the connection ends is never complete by itself.
   */
  get complete(): boolean {
    return this.#state === State.End || (this.#state === State.Length && this.#left === 0);
  }

  /** Reads on from `at`. After `data`, call it again from `position`. */
  next(bytes: Uint8Array, at: number, end: number): BodyEvent {
    this.position = at;
    if (this.complete) return "end";
    if (at === end) return "more";
    if (this.#state === State.UntilClose) return this.#data(at, end);
    if (this.#state === State.Length) {
      const until = Math.min(end, at + this.#left);
      this.#left -= until - at;
      return this.#data(at, until);
    }
    return this.#nextOfChunked(bytes, at, end);
  }

  #data(start: number, end: number): BodyEvent {
    this.dataStart = start;
    this.dataEnd = this.position = end;
    return "data";
  }

  #nextOfChunked(bytes: Uint8Array, at: number, end: number): BodyEvent {
    for (let i = at; i < end; i++) {
      if (this.#state === State.Data) {
        const until = Math.min(end, i + this.#left);
        this.#left -= until - i;
        if (this.#left === 0) this.#state = State.DataCr;
        return this.#data(i, until);
      }
      if (!this.#step(bytes[i]!)) return "malformed";
      if (this.#state === State.End) {
        this.position = i + 1;
        return this.trailers === "" || this.#checkTrailers() ? "end" : "malformed";
      }
    }
    this.position = end;
    return "more";
  }

  #step(byte: number): boolean {
    switch (this.#state) {
      case State.SizeStart:
      case State.Size:
        return this.#stepOfSize(byte);
      case State.Extension:
        if (byte === CR) this.#state = State.SizeLf;
        else return ++this.#lineBytes <= MAX_CHUNK_LINE && (byte >= SP || byte === HTAB) && byte !== 127;
        return true;
      case State.SizeLf:
        this.#state = this.#left === 0 ? State.TrailerStart : State.Data;
        this.#lineBytes = 0;
        return byte === LF;
      case State.DataCr:
        this.#state = State.DataLf;
        return byte === CR;
      case State.DataLf:
        this.#state = State.SizeStart;
        return byte === LF;
      case State.TrailerStart:
        this.#state = byte === CR ? State.EndLf : State.Trailer;
        return byte === CR || this.#stepOfTrailer(byte);
      case State.Trailer:
        return this.#stepOfTrailer(byte);
      case State.TrailerLf:
        this.trailers += "\n";
        this.#state = State.TrailerStart;
        return byte === LF;
      default:
        this.#state = State.End;
        return byte === LF;
    }
  }

  #stepOfSize(byte: number): boolean {
    const lower = byte | 32;
    const digit = byte >= 48 && byte <= 57 ? byte - 48 : lower >= 97 && lower <= 102 ? lower - 87 : -1;
    if (digit >= 0) {
      if (this.#state === State.SizeStart) this.#left = this.#digits = 0;
      this.#state = State.Size;
      this.#left = this.#left * 16 + digit;
      return ++this.#digits <= 12;
    }
    if (this.#state === State.SizeStart) return false;
    if (byte === CR) this.#state = State.SizeLf;
    else if (byte === 59) this.#state = State.Extension;
    else return false;
    return true;
  }

  #stepOfTrailer(byte: number): boolean {
    if (byte === CR) this.#state = State.TrailerLf;
    this.trailers += String.fromCharCode(byte);
    return ++this.#lineBytes <= MAX_TRAILERS && (byte >= SP || byte === HTAB || byte === CR) && byte !== 127;
  }

  /** Whether the trailers are well-formed fields; drops those that may not be forwarded. */
  #checkTrailers(): boolean {
    let passing = "";
    for (TRAILER.lastIndex = 0; TRAILER.lastIndex < this.trailers.length;) {
      const match = TRAILER.exec(this.trailers);
      if (match === null) return false;
      if (passesAsTrailer(match[1]!.toLowerCase())) passing += match[0];
    }
    this.trailers = passing;
    return true;
  }
}

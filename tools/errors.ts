/**
 * Errors for people: one line that says what cannot be done and what would do instead.
 *
 * @module
 */

import { closestString, levenshteinDistance } from "@std/text";

/** What a {@linkcode TimewaitError} knows beside its message. */
export interface TimewaitErrorOptions {
  /** The option at fault, by its name in the options object: `connections`, `runs[1].gateway`. */
  readonly field?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * An error that the caller can act on: an option that does not fit, a file that is no results document, a lab
 * that cannot be had here. Every other class that reaches a caller is a fault of Timewait or of the system.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { TimewaitError } from "./errors.ts";
 *
 * const error = new TimewaitError("must be at least the 8 threads, not 5", { field: "connections" });
 * assertEquals(error.message, "connections must be at least the 8 threads, not 5");
 * assertEquals(error.field, "connections");
 * ```
 */
export class TimewaitError extends Error {
  /** What is printed ahead of the message where nobody catches it. */
  override name = "TimewaitError";
  /**
   * The option at fault; `undefined` where it is not one option's. The command line names the flag in its
   * place.
   */
  readonly field: string | undefined;
  /** The message without the field: a verb and what follows. */
  readonly problem: string;

  /** Makes the error. With a field, `problem` goes on where the field's name ends: `must be …`, `takes …`. */
  constructor(problem: string, { field, cause }: TimewaitErrorOptions = {}) {
    super(field === undefined ? problem : `${field} ${problem}`, cause === undefined ? {} : { cause });
    this.problem = problem;
    this.field = field;
  }
}

/** What was asked for is right, and cannot be had on this machine now: a command, a lab, a port, a lock. */
export class UnavailableError extends TimewaitError {
  /** What is printed ahead of the message where nobody catches it. */
  override name = "UnavailableError";
}

/** The message of whatever was thrown, in one line that is safe to show. */
export function messageOf(error: unknown): string {
  // What failed first, and what failed in cleaning up after that, which is all that its own message names.
  if (error instanceof SuppressedError) {
    return `${messageOf(error.suppressed)}; while that ended: ${messageOf(error.error)}`;
  }
  const text = error instanceof Error ? error.message || error.name : String(error);
  return showControls(text.trim().replaceAll(/\s*\n\s*/g, "; "));
}

/**
 * A text with its control characters as people write them, `\x1b`, so that a terminal shows and does not obey
 * them. The same holds for marks that turn the direction of text around, which would hide a part of it, and
 * for what may stand in no XML. Line ends and tabs stay.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { showControls } from "./errors.ts";
 *
 * assertEquals(showControls("\x1b[2Jgone"), String.raw`\x1b[2Jgone`);
 * ```
 */
export function showControls(text: string): string {
  return text.replaceAll(CONTROLS, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}

const CONTROLS = /(?![\n\t])\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\p{Cs}/gu;

/**
 * A value as JSON in which control characters of every kind are escaped: `JSON.stringify` leaves those from
 * U+007F on, and the marks that turn text around, as they are, and a terminal that shows the JSON obeys them.
 * It is read back as the same value.
 */
export function terminalSafeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What the system said, without the path and the name of the call that Deno puts around it. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) return "Deno lets no script write there";
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s*\(os error \d+\).*$/s, "").replace(/: (open|rename|write|mkdir)\w* .*$/s, "");
}

/**
 * The word of `known` that a person most likely meant by `word`, as a clause for an error message; empty
 * where none is near.
 */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const nearest = closestString(word, known);
  const near = levenshteinDistance(word, nearest) <= Math.max(2, nearest.length / 3);
  return near ? `; did you mean ${nearest}?` : "";
}

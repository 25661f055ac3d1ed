/**
 * Commands and their flags, as they are declared.
 *
 * A flag is declared once, with its parser and its default, and everything else follows from that: `--help`,
 * the check for unknown names, and the typed options object.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";

/** One `--flag` of a command: how its text becomes a `T`, and what holds when it is not given. */
export interface Flag<T> {
  /** What stands behind the flag in `--help`, such as `DURATION`. Without one the flag is a switch. */
  readonly placeholder?: string;
  /** One line for `--help`. */
  readonly help: string;
  /** Given more than once, the values are kept as a list. */
  readonly repeatable?: boolean;
  /** Left out of `--help`: for processes of ours, not for people. */
  readonly hidden?: boolean;
  /**
   * Turns the texts given, at least one, into the value. Throws {@linkcode TimewaitError} on a text it does
   * not take.
   */
  parse(texts: string[], name: string): T;
  /** The value when the flag is not given. */
  readonly byDefault: T;
}

/** The flags of a command by their names in camelCase; on the command line they are in kebab-case. */
// deno-lint-ignore no-explicit-any
export type Flags = Record<string, Flag<any>>;

/** The options object that a set of {@linkcode Flags} parses to. */
export type Options<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** A command: what it is called, what it takes, and what it does. */
export interface Command<F extends Flags> {
  /** As typed after `deno task`. */
  readonly name: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** What may stand beside the flags, such as `[SCENARIO…]`. Without it, positionals are refused. */
  readonly positionals?: string;
  /** All that it takes, each with its default; a name that is not among them is refused, `help` excepted. */
  readonly flags: F;
  /** The flags by headings, for a `--help` in groups. Without them the flags stand in one list. */
  readonly groups?: Readonly<Record<string, Flags>>;
  /** Lines at the end of `--help`. */
  readonly examples?: readonly string[];
  /**
   * Flags of other programs that people type here out of habit, such as `-c`, and what they are called here.
   */
  readonly foreignFlags?: Readonly<Record<string, string>>;
  /** Does the work. Returns the exit code. */
  run(options: Options<F>, call: Call): Promise<number>;
}

/** How a command was called, beside its flags. */
export interface Call {
  /** The words that are no flags, nor values of flags. */
  readonly positionals: readonly string[];
  /** All words, in the order in which they were typed. */
  readonly words: readonly Word[];
  /** Aborts when the person interrupts. */
  readonly signal: AbortSignal;
}

/** A flag with its value, or a word that is neither. */
export interface Word {
  /** The flag by its name in camelCase; left out for what is no flag. */
  readonly flag?: string;
  /** As typed: `["--json", "x"]` or `["--json=x"]`. */
  readonly texts: readonly string[];
}

/**
 * The entry point of a tool, as a function: takes arguments, returns the exit code, writes to standard output
 * and error.
 */
export type Main = (args: readonly string[], signal: AbortSignal) => Promise<number>;

/** A switch, off unless given. */
export function switchFlag(help: string): Flag<boolean> {
  return { help, parse: () => true, byDefault: false };
}

/** A flag with one value, parsed by `parse`. Given twice, it is refused rather than silently overridden. */
export function valueFlag<T, const D = T>(
  placeholder: string,
  help: string,
  parse: (text: string, name: string) => T,
  byDefault: D,
): Flag<T | D> {
  return {
    placeholder,
    help,
    byDefault,
    parse(texts, name) {
      if (texts.length > 1) {
        throw new TimewaitError(`was given ${texts.length} times: give it once`, { field: name });
      }
      return parse(texts[0]!, name);
    },
  };
}

/** A flag that may be given more than once. Not given, it is an empty list. */
export function listFlag<T>(
  placeholder: string,
  help: string,
  parse: (text: string, name: string) => T,
): Flag<readonly T[]> {
  return {
    placeholder,
    help,
    repeatable: true,
    byDefault: [],
    parse: (texts, name) => texts.map((text) => parse(text, name)),
  };
}

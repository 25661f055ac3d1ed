/**
 * Parses the arguments of a command.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { toKebabCase } from "@std/text";
import { didYouMean, TimewaitError } from "../errors.ts";
import type { Command, Flag, Flags, Options, Word } from "./command.ts";

/** The arguments of a command, understood. */
export interface ParsedFlags<F extends Flags> {
  /** The flags, each with its value or its default. */
  readonly options: Options<F>;
  /** All words in the order in which they were typed. */
  readonly words: readonly Word[];
  /** The words that are no flags, nor values of flags. */
  readonly positionals: readonly string[];
}

/**
 * Parses the arguments of a command. What follows a flag that takes a value is its value, `-1` and `-` too,
 * unless it begins with two dashes.
 *
 * @throws {TimewaitError} for an unknown flag, with the nearest known one; for a missing value; for a
 * positional where none is taken.
 */
export function parseFlags<F extends Flags>(
  command: Pick<Command<F>, "name" | "flags" | "positionals" | "foreignFlags">,
  args: readonly string[],
): ParsedFlags<F> {
  const known = new Map(
    Object.entries(command.flags).map(([key, flag]) => [`--${toKebabCase(key)}`, { key, flag }]),
  );
  const words: Word[] = [];
  const given = new Map<string, string[]>();
  for (const token of tokensOf(args, command.flags)) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      const before = words.at(-1);
      if (before !== undefined && isSwitch(command.flags, before) && /^(true|false)$/.test(token.value)) {
        throw new TimewaitError("takes no value", { field: before.texts[0]! });
      }
      words.push({ texts: [token.value] });
      continue;
    }
    const found = known.get(token.rawName);
    if (found === undefined) throw unknownFlag(token.rawName, [...known.keys()], command);
    const { key, flag } = found;
    const inline = token.inlineValue === true;
    words.push({
      flag: key,
      texts: args.slice(token.index, token.index + (valueTaken(flag, inline) ? 2 : 1)),
    });
    given.set(key, [...given.get(key) ?? [], textOf(token.rawName, flag, token.value, inline)]);
  }

  const positionals = words.flatMap(({ flag, texts }) => flag === undefined ? texts : []);
  if (positionals.length > 0 && command.positionals === undefined) {
    throw new TimewaitError(`${command.name} takes flags only, not "${positionals[0]}"`);
  }
  const values = Object.entries(command.flags).map(([key, flag]) => {
    const texts = given.get(key);
    return [key, texts === undefined ? flag.byDefault : flag.parse(texts, `--${toKebabCase(key)}`)];
  });
  return { options: Object.fromEntries(values) as Options<F>, words, positionals };
}

/** Node's parser keeps the place of each word, which "Measure it again" needs. */
function tokensOf(args: readonly string[], flags: Flags) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([key, flag]) => [
      toKebabCase(key),
      { type: flag.placeholder === undefined ? "boolean" as const : "string" as const, multiple: true },
    ]),
  );
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function isSwitch(flags: Flags, { flag }: Word): boolean {
  return flag !== undefined && flags[flag]!.placeholder === undefined;
}

function valueTaken(flag: Flag<unknown>, inline: boolean): boolean {
  return flag.placeholder !== undefined && !inline;
}

/** The text that a flag was given; of a switch an empty one. */
function textOf(name: string, flag: Flag<unknown>, value: string | undefined, inline: boolean): string {
  if (flag.placeholder === undefined) {
    if (inline) throw new TimewaitError("takes no value", { field: name });
    return "";
  }
  if (value === undefined || (!inline && value.startsWith("--"))) {
    throw new TimewaitError(`needs a value: ${name} ${flag.placeholder}`, { field: name });
  }
  return value;
}

function unknownFlag(
  name: string,
  known: readonly string[],
  { name: task, foreignFlags = {} }: Pick<Command<Flags>, "name" | "foreignFlags">,
): TimewaitError {
  const foreign = foreignFlags[name];
  const hint = foreign === undefined ? didYouMean(name, known) : `; here it is ${foreign}`;
  return new TimewaitError(`unknown flag ${name}${hint || `; deno task ${task} --help lists them`}`);
}

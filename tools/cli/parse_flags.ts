/**
 * Parses the arguments of a command.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { toKebabCase } from "@std/text";
import { didYouMean, TimewaitError } from "../errors.ts";
import type { Command, Flags, Options, Word } from "./command.ts";
import { calledAs } from "./help.ts";

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
  const names = new Map(Object.keys(command.flags).map((key) => [toKebabCase(key), key]));
  const takesValue = (name: string) => command.flags[names.get(name)!]!.placeholder !== undefined;
  const withValue = [...names.keys()].filter(takesValue);
  const words = wordsOf(args, command, names);
  const parsed = parseArgs(words.map(joined), {
    string: [...withValue, "_"],
    boolean: [...names.keys()].filter((name) => !takesValue(name)),
    collect: withValue,
  });

  const positionals = parsed._.map(String);
  if (positionals.length > 0 && command.positionals === undefined) {
    throw new TimewaitError(`${command.name} takes flags only, not "${positionals[0]}"`);
  }
  const values = [...names].map(([name, key]) => {
    const flag = command.flags[key]!;
    const given = parsed[name];
    const texts = Array.isArray(given) ? given.map(String) : given === true ? [""] : [];
    return [key, texts.length === 0 ? flag.byDefault : flag.parse(texts, `--${name}`)];
  });
  return {
    options: Object.fromEntries(values) as Options<F>,
    words: words.filter(({ texts }) => texts[0] !== END_OF_FLAGS),
    positionals,
  };
}

const END_OF_FLAGS = "--";

/** A word for the parser, in which a value cannot be taken for anything else. */
function joined({ flag, texts }: Word): string {
  return flag === undefined ? texts[0]! : texts.join("=");
}

/** The words in their order, each flag with its value: "Measure it again" needs their places. */
function wordsOf(
  args: readonly string[],
  command: Pick<Command<Flags>, "name" | "flags" | "foreignFlags">,
  names: ReadonlyMap<string, string>,
): Word[] {
  const words: Word[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === END_OF_FLAGS) return [...words, ...args.slice(i).map((text) => ({ texts: [text] }))];
    if (!/^-./.test(arg)) {
      refuseValueOfSwitch(words.at(-1), arg, command.flags);
      words.push({ texts: [arg] });
      continue;
    }
    const typed = arg.startsWith("--") ? arg.split("=")[0]! : arg.slice(0, 2);
    const flag = arg.startsWith("--") ? names.get(typed.slice(2)) : undefined;
    if (flag === undefined) throw unknownFlag(typed, names, command);
    const { placeholder } = command.flags[flag]!;
    if (placeholder === undefined || arg.includes("=")) {
      if (placeholder === undefined && arg.includes("=")) {
        throw new TimewaitError("takes no value", { field: typed });
      }
      words.push({ flag, texts: [arg] });
      continue;
    }
    const value = args[++i];
    if (value === undefined || value.startsWith("--")) {
      throw new TimewaitError(`needs a value: ${typed} ${placeholder}`, { field: typed });
    }
    words.push({ flag, texts: [arg, value] });
  }
  return words;
}

/** Refuses `--quick true`, whose second word would be taken for a positional. */
function refuseValueOfSwitch(before: Word | undefined, word: string, flags: Flags): void {
  const isSwitch = before?.flag !== undefined && flags[before.flag]!.placeholder === undefined;
  if (isSwitch && /^(true|false)$/.test(word)) {
    throw new TimewaitError("takes no value", { field: before.texts[0]! });
  }
}

function unknownFlag(
  name: string,
  names: ReadonlyMap<string, string>,
  { name: task, foreignFlags = {} }: Pick<Command<Flags>, "name" | "foreignFlags">,
): TimewaitError {
  const foreign = foreignFlags[name];
  const known = [...names.keys()].map((name) => `--${name}`);
  const hint = foreign === undefined ? didYouMean(name, known) : `; here it is ${foreign}`;
  return new TimewaitError(`unknown flag ${name}${hint || `; ${calledAs()} ${task} --help lists them`}`);
}

/**
 * The edge between a person's shell and the tools: flags in, exit codes out.
 *
 * A flag is declared once, with its parser and its default, and everything else follows from that: `--help`,
 * the check for unknown names, and the typed options object.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { bold, red } from "@std/fmt/colors";
import { toKebabCase } from "@std/text";
import { didYouMean, messageOf, TimewaitError, UnavailableError } from "../errors.ts";

/** The exit code of a command whose question the measured data cannot answer. */
export const CANNOT_TELL = 3;

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
  /** Does the work. Returns the exit code. */
  run(options: Options<F>, call: Call): Promise<number>;
}

/** How a command was called, beside its flags. */
export interface Call {
  /** The words that are no flags, nor values of flags. */
  readonly positionals: readonly string[];
  /** Every word, as typed. */
  readonly args: readonly string[];
  /** Aborts when the person interrupts. */
  readonly signal: AbortSignal;
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
      if (texts.length > 1) throw new TimewaitError(`${name} was given ${texts.length} times: give it once`);
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

/**
 * Makes the {@linkcode Main} of a command: parses, answers `--help`, and turns errors into one line and an
 * exit code.
 */
export function mainOf<F extends Flags>(command: Command<F>): Main {
  return async (args, signal) => {
    try {
      if (args.includes("--help") || args.includes("-h")) {
        console.log(renderHelp(command));
        return 0;
      }
      const { options, positionals } = parseFlags(command, args);
      return await command.run(options, { positionals, args, signal });
    } catch (error) {
      if (signal.aborted && error === signal.reason) return 130;
      printError(error, command.flags);
      return error instanceof TimewaitError && !(error instanceof UnavailableError) ? 2 : 1;
    }
  };
}

/** Writes an error as people see it: one line on standard error, in which a field is named by its flag. */
export function printError(error: unknown, flags: Flags = {}): void {
  const label = Deno.stderr.isTerminal() ? red("error") : "error";
  console.error(`${label}: ${messageAtEdge(error, flags)}`);
}

function messageAtEdge(error: unknown, flags: Flags): string {
  const flag = error instanceof TimewaitError && error.field !== undefined
    ? flagOf(error.field, flags)
    : undefined;
  if (flag === undefined) return messageOf(error);
  return messageOf(new TimewaitError((error as TimewaitError).problem, { field: flag }));
}

/** Writes to standard output. A reader that has gone away, such as `head`, is no error. */
export async function printOutput(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
  try {
    for (let written = 0; written < bytes.length;) {
      written += await Deno.stdout.write(bytes.subarray(written));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw new Error(`standard output: ${messageOf(error)}`);
  }
}

/**
 * The flag that sets a field, as it is typed: that of `load.connections` is `--connections`, that of
 * `headers` is `--header`. `undefined` for a field that has no flag, or stands in one run of a scenario,
 * where no flag reaches it.
 */
export function flagOf(field: string, flags: Flags): string | undefined {
  if (field.includes("[")) return undefined;
  const name = field.split(".").at(-1)!;
  const key = [name, name.replace(/s$/, "")].find((name) => Object.hasOwn(flags, name));
  return key === undefined ? undefined : `--${toKebabCase(key)}`;
}

/**
 * The words of a command line without the flags of the given names and their values.
 *
 * @param known the flags of the command.
 */
export function wordsWithout(args: readonly string[], names: readonly string[], known: Flags): string[] {
  const left = new Set(names.map((name) => `--${toKebabCase(name)}`));
  const takesValue = new Set(
    names.filter((name) => known[name]?.placeholder !== undefined).map((name) => `--${toKebabCase(name)}`),
  );
  return args.filter((word, i) => {
    const before = args[i - 1];
    return !left.has(word.split("=")[0]!) && !(before !== undefined && takesValue.has(before));
  });
}

/** A word as `sh` takes it. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Runs a tool as the script that was started: the first SIGINT or SIGTERM aborts its signal, so that it ends
 * in order; the second ends the process at once with 130. Sets `Deno.exitCode`.
 *
 * Started by `deno task`, which works in the folder of deno.json, it goes back to where the person typed, so
 * that paths are theirs; and it ends when the task is killed.
 */
export async function runAsScript(main: Main): Promise<void> {
  const controller = new AbortController();
  let firstMs: number | undefined;
  const onSignal = () => {
    firstMs ??= performance.now();
    if (controller.signal.aborted && performance.now() - firstMs > ONE_KEY_PRESS_MS) Deno.exit(130);
    controller.abort(new DOMException("interrupted", "AbortError"));
  };
  const signals: Deno.Signal[] = ["SIGINT", "SIGTERM"];
  for (const name of signals) Deno.addSignalListener(name, onSignal);
  const stopWatching = startedByTask() ? followTask(onSignal) : () => {};
  try {
    Deno.exitCode = await main(Deno.args, controller.signal);
  } finally {
    stopWatching();
    for (const name of signals) Deno.removeSignalListener(name, onSignal);
  }
}

/**
 * One Ctrl-C comes twice to a tool that `deno task` has started: from the terminal, and passed on by the
 * task. What comes within this time of the first, in milliseconds, is the same key press.
 */
const ONE_KEY_PRESS_MS = 500;

const PARENT_POLL_MS = 500;

/** Whether `deno task` has started this process. A party that may not read the environment does not care. */
function startedByTask(): boolean {
  const env = Deno.permissions.querySync({ name: "env", variable: "INIT_CWD" });
  return env.state === "granted" && Deno.env.get("INIT_CWD") !== undefined;
}

/**
 * Goes to the directory of the person who typed, and calls back when the task is gone. Returns what ends
 * that.
 */
function followTask(onGone: () => void): () => void {
  try {
    Deno.chdir(Deno.env.get("INIT_CWD")!);
  } catch {
    // It is gone, or not for us to read: paths are relative to where the task works.
  }
  const parent = Deno.ppid;
  const timer = setInterval(() => Deno.ppid === parent || onGone(), PARENT_POLL_MS);
  return () => clearInterval(timer);
}

/**
 * Parses the arguments of a command.
 *
 * @throws {TimewaitError} for an unknown flag, with the nearest known one; for a missing value; for a
 * positional where none is taken.
 */
export function parseFlags<F extends Flags>(
  command: Pick<Command<F>, "name" | "flags" | "positionals">,
  args: readonly string[],
): { options: Options<F>; positionals: string[] } {
  const flags = new Map(
    Object.entries(command.flags).map(([key, flag]) => [toKebabCase(key), { key, flag }]),
  );
  const names = [...flags.keys()];
  const withValue = names.filter((name) => flags.get(name)!.flag.placeholder !== undefined);
  const switches = names.filter((name) => !withValue.includes(name));
  const refuse = (arg: string) => {
    const name = arg.split("=")[0]!;
    const hint = didYouMean(name, names.map((known) => `--${known}`));
    throw new TimewaitError(`unknown flag ${name}${hint || `; deno task ${command.name} --help lists them`}`);
  };
  const parsed = parseArgs(joinDashes(args, withValue), {
    string: [...withValue, "_"],
    boolean: switches,
    collect: withValue,
    unknown: (arg, key) => key === undefined || refuse(arg),
  });
  for (const name of switches) {
    if (args.some((arg) => arg.startsWith(`--${name}=`))) throw new TimewaitError(`--${name} takes no value`);
    if (args.includes(`--no-${name}`)) refuse(`--no-${name}`);
    const next = args[args.indexOf(`--${name}`) + 1];
    if (args.includes(`--${name}`) && (next === "true" || next === "false")) {
      throw new TimewaitError(`--${name} takes no value`);
    }
  }

  const positionals = parsed._.map(String);
  if (positionals.length > 0 && command.positionals === undefined) {
    throw new TimewaitError(`${command.name} takes flags only, not "${positionals[0]}"`);
  }
  const options: Record<string, unknown> = {};
  for (const [name, { key, flag }] of flags) {
    const given = parsed[name];
    const texts = Array.isArray(given) ? given.map(String) : given === true ? [""] : [];
    options[key] = texts.length === 0 ? flag.byDefault : flag.parse(texts, `--${name}`);
  }
  return { options: options as Options<F>, positionals };
}

/**
 * Joins a lone `-` to the flag before it, whose value it is, as in `--json -`; parseArgs would pass it over.
 */
function joinDashes(args: readonly string[], withValue: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    if (arg === "-" && before !== undefined && withValue.some((name) => before === `--${name}`)) {
      joined[joined.length - 1] = `${before}=-`;
    } else joined.push(arg);
  }
  return joined;
}

function renderHelp<F extends Flags>(command: Command<F>): string {
  const title = (text: string) => Deno.stdout.isTerminal() ? bold(text) : text;
  const left = ([key, flag]: [string, F[string]]) =>
    `--${toKebabCase(key)}${flag.placeholder === undefined ? "" : ` ${flag.placeholder}`}`;
  const shown = (flags: Flags) =>
    Object.entries(flags).filter(([, flag]) => !flag.hidden) as [string, F[string]][];
  const width = Math.max(...shown(command.flags).map((flag) => left(flag).length));
  const row = (name: string, help: string) => `  ${name.padEnd(width)}  ${help}`;
  const rows = (flags: Flags) =>
    shown(flags).map((flag) => row(left(flag), flag[1].help + (flag[1].repeatable ? " (repeatable)" : "")));
  const words = [command.positionals, "[FLAGS]"];
  // A command of the person's own, with flags of its own, comes last.
  if (command.positionals?.startsWith("[--")) words.reverse();
  const usage = ["deno task", command.name, ...words].filter(Boolean).join(" ");
  const help = row("--help", "this text");
  return [
    command.summary,
    "",
    `${title("Usage:")} ${usage}`,
    ...(command.groups === undefined
      ? ["", title("Flags:"), ...rows(command.flags), help]
      : Object.entries(command.groups).flatMap(([name, flags], i, all) => [
        "",
        title(`${name}:`),
        ...rows(flags),
        ...(i === all.length - 1 ? [help] : []),
      ])),
    ...(command.examples === undefined
      ? []
      : ["", title("Examples:"), ...command.examples.map((line) => `  ${line}`)]),
  ].join("\n");
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

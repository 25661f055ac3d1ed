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
import { closestString, levenshteinDistance, toKebabCase } from "@std/text";

/** A mistake in how a command was called. Its message is one line that says what to type instead; exit code 2. */
export class UsageError extends Error {
  /** What is printed ahead of the message where nobody catches it; always `"UsageError"`. */
  override name = "UsageError";
}

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
  /** Turns the texts given, at least one, into the value. Throws {@linkcode UsageError} on a text it does not take. */
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
  /** Lines at the end of `--help`. */
  readonly examples?: readonly string[];
  /** Does the work. Returns the exit code. */
  run(options: Options<F>, positionals: string[], signal: AbortSignal): Promise<number>;
}

/** The entry point of a tool, as a function: takes arguments, returns the exit code, writes to standard output and error. */
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
      if (texts.length > 1) throw new UsageError(`${name} was given ${texts.length} times: give it once`);
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

/** Takes any text but an empty one. */
export function parseText(text: string, name: string): string {
  if (text === "") throw new UsageError(`${name} needs a value`);
  return text;
}

/** A parser for one of a few words. */
export function parseChoice<const W extends string>(words: readonly W[]): (text: string, name: string) => W {
  return (text, name) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new UsageError(`${name} takes ${words.join(", ")}, not "${text}"`);
    return found;
  };
}

/** A parser for a whole number of at least `least`. */
export function parseWhole(
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): (text: string, name: string) => number {
  return (text, name) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most)) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
      throw new UsageError(`${name} takes a whole number ${range}, not "${text}"`);
    }
    return value;
  };
}

/** A day: longer than any bench, and within what timers can hold. */
const MAX_DURATION_MS = 86_400_000;

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * A duration in milliseconds. Units are ms, s, m and h; a number without a unit is refused, except 0.
 *
 * @throws {UsageError} for anything else.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDurationMs } from "./command_line.ts";
 *
 * assertEquals(parseDurationMs("70ms", "--latency"), 70);
 * assertEquals(parseDurationMs("1.5s", "--latency"), 1500);
 * ```
 */
export function parseDurationMs(text: string, name: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (text === "0") return 0;
  if (match === null) {
    throw new UsageError(`${name} takes a duration such as 500ms, 10s or 2m, not "${text}"`);
  }
  const ms = Number(match[1]) * MS_PER_UNIT[match[2]!]!;
  if (ms > MAX_DURATION_MS) throw new UsageError(`${name} takes at most 24h, not ${text}`);
  return ms;
}

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/**
 * A size in bytes: a whole number, with B, KiB, MiB, GiB, kB, MB or GB behind it if wanted.
 *
 * @throws {UsageError} for anything else.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseBytes } from "./command_line.ts";
 *
 * assertEquals(parseBytes("64KiB", "--body-bytes"), 65_536);
 * assertEquals(parseBytes("2MB", "--body-bytes"), 2_000_000);
 * ```
 */
export function parseBytes(text: string, name: string): number {
  const match = /^(\d+)(B|KiB|MiB|GiB|kB|MB|GB)?$/.exec(text);
  if (match === null) throw new UsageError(`${name} takes a size such as 512, 64KiB or 32MiB, not "${text}"`);
  return Number(match[1]) * BYTES_PER_UNIT[match[2] ?? ""]!;
}

/** An address to listen on. Port 0 asks the kernel for a free one. */
export interface ListenAddress {
  /** A name or an IP address, IPv6 without brackets; `0.0.0.0` and `::` listen on every interface. */
  readonly hostname: string;
  /** 0 to 65535, where 0 leaves the choice to the kernel. */
  readonly port: number;
}

/**
 * Parses `HOST:PORT` or `[IPv6]:PORT`.
 *
 * @throws {UsageError} where either part is missing or the port is above 65535.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseListen } from "./command_line.ts";
 *
 * assertEquals(parseListen("[::1]:8080", "--listen"), { hostname: "::1", port: 8080 });
 * ```
 */
export function parseListen(text: string, name: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new UsageError(`${name} takes HOST:PORT such as 127.0.0.1:8080, not "${text}"`);
  }
  return { hostname: match[1] ?? match[2]!, port };
}

/** The word of `known` that a person most likely meant by `word`, as a clause for an error message; empty where none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const nearest = closestString(word, known);
  const near = levenshteinDistance(word, nearest) <= Math.max(2, nearest.length / 3);
  return near ? `; did you mean ${nearest}?` : "";
}

/** Makes the {@linkcode Main} of a command: parses, answers `--help`, and turns errors into one line and an exit code. */
export function mainOf<F extends Flags>(command: Command<F>): Main {
  return async (args, signal) => {
    try {
      if (args.includes("--help") || args.includes("-h")) {
        console.log(renderHelp(command));
        return 0;
      }
      const { options, positionals } = parseFlags(command, args);
      return await command.run(options, positionals, signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) return 130;
      printError(error);
      return error instanceof UsageError ? 2 : 1;
    }
  };
}

/** Writes an error as people see it: one line on standard error. */
export function printError(error: unknown): void {
  const label = Deno.stderr.isTerminal() ? red("error") : "error";
  console.error(`${label}: ${messageOf(error)}`);
}

/** The message of whatever was thrown, in one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().replaceAll(/\s*\n\s*/g, "; ");
}

/**
 * Runs a tool as the script that was started: the first SIGINT or SIGTERM aborts its signal, so that it ends in
 * order; the second ends the process at once with 130. Sets `Deno.exitCode`.
 *
 * Started by `deno task`, which works in the folder of deno.json, it goes back to where the person typed, so that
 * paths are theirs; and it ends when the task is killed.
 *
 * Not to be awaited at the top of a module: a module that awaits its own end cannot be imported by what it runs, and
 * the bench imports scenarios that import the bench.
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
 * One Ctrl-C comes twice to a tool that `deno task` has started: from the terminal, and passed on by the task. What
 * comes within this time of the first, in milliseconds, is the same key press.
 */
const ONE_KEY_PRESS_MS = 500;

const PARENT_POLL_MS = 500;

/** Whether `deno task` has started this process. A party that may not read the environment does not care. */
function startedByTask(): boolean {
  const env = Deno.permissions.querySync({ name: "env", variable: "INIT_CWD" });
  return env.state === "granted" && Deno.env.get("INIT_CWD") !== undefined;
}

/** Goes to the directory of the person who typed, and calls back when the task is gone. Returns what ends that. */
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
 * @throws {UsageError} for an unknown flag, with the nearest known one; for a missing value; for a positional where none is taken.
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
    throw new UsageError(`unknown flag ${name}${hint || `; deno task ${command.name} --help lists them`}`);
  };
  const parsed = parseArgs(joinDashes(args, withValue), {
    string: [...withValue, "_"],
    boolean: switches,
    collect: withValue,
    unknown: (arg, key) => key === undefined || refuse(arg),
  });
  for (const name of switches) {
    if (args.some((arg) => arg.startsWith(`--${name}=`))) throw new UsageError(`--${name} takes no value`);
    if (args.includes(`--no-${name}`)) refuse(`--no-${name}`);
    const next = args[args.indexOf(`--${name}`) + 1];
    if (args.includes(`--${name}`) && (next === "true" || next === "false")) {
      throw new UsageError(`--${name} takes no value`);
    }
  }

  const positionals = parsed._.map(String);
  if (positionals.length > 0 && command.positionals === undefined) {
    throw new UsageError(`${command.name} takes flags only, not "${positionals[0]}"`);
  }
  const options: Record<string, unknown> = {};
  for (const [name, { key, flag }] of flags) {
    const given = parsed[name];
    const texts = Array.isArray(given) ? given.map(String) : given === true ? [""] : [];
    options[key] = texts.length === 0 ? flag.byDefault : flag.parse(texts, `--${name}`);
  }
  return { options: options as Options<F>, positionals };
}

/** Joins a lone `-` to the flag before it, whose value it is, as in `--json -`; parseArgs would pass it over. */
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
  const rows = Object.entries(command.flags).map(([key, flag]) => {
    const left = `--${toKebabCase(key)}${flag.placeholder === undefined ? "" : ` ${flag.placeholder}`}`;
    return { left, help: flag.help + (flag.repeatable ? " (repeatable)" : "") };
  });
  const width = Math.max(...rows.map((row) => row.left.length));
  const usage = ["deno task", command.name, command.positionals, "[FLAGS]"].filter(Boolean).join(" ");
  return [
    command.summary,
    "",
    `${title("Usage:")} ${usage}`,
    "",
    ...rows.map((row) => `  ${row.left.padEnd(width)}  ${row.help}`),
    `  ${"--help".padEnd(width)}  this text`,
    ...(command.examples ?? []).flatMap((example, i) =>
      i === 0 ? ["", title("Examples:"), `  ${example}`] : [`  ${example}`]
    ),
  ].join("\n");
}

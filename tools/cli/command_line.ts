/**
 * The edge between a person's shell and the tools: flags in, exit codes out.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { red } from "@std/fmt/colors";
import { toKebabCase } from "@std/text";
import { messageOf, TimewaitError, UnavailableError } from "../errors.ts";
import type { Command, Flags, Main, Options } from "./command.ts";
import { renderHelp } from "./help.ts";
import { parseFlags } from "./parse_flags.ts";

export {
  type Call,
  type Command,
  type Flag,
  type Flags,
  listFlag,
  type Main,
  type Options,
  switchFlag,
  valueFlag,
} from "./command.ts";
export { aborted, runAsScript, whileSignalsEnd } from "./run_as_script.ts";

/** The exit code of a command whose question the measured data cannot answer. */
export const CANNOT_TELL = 3;

/**
 * Makes the {@linkcode Main} of a command: parses, answers `--help` and `--version`, and turns errors into
 * one line and an exit code.
 */
export function mainOf<F extends Flags>(command: Command<F>): Main {
  return async (args, signal) => {
    try {
      const own = args.slice(0, args.indexOf("--") < 0 ? args.length : args.indexOf("--"));
      if (own.includes("--help") || own.includes("-h")) {
        console.log(renderHelp(command));
        return 0;
      }
      if (own.includes("--version")) {
        console.log(`timewait ${config.version}`);
        return 0;
      }
      const { options, words, positionals } = parseFlags(command, args);
      return await command.run(options, { words, positionals, signal });
    } catch (error) {
      if (signal.aborted && error === signal.reason) return 130;
      printError(error, command.flags);
      if (signal.aborted) return 130;
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
 * `headers` is `--header`, that of
 * `method` is `--request-method`. `undefined` for a field that has no flag, or stands in one run of a
 * scenario, where no flag reaches it.
 */
export function flagOf(field: string, flags: Flags): string | undefined {
  const key = keyOf(field, flags);
  return key === undefined ? undefined : `--${toKebabCase(key)}`;
}

/** Whether the flag that sets a field was given. */
export function isGiven<F extends Flags>(field: string, flags: F, options: Options<F>): boolean {
  const key = keyOf(field, flags);
  return key !== undefined && options[key] !== flags[key]!.byDefault;
}

function keyOf(field: string, flags: Flags): string | undefined {
  if (field.startsWith("runs[")) return undefined;
  const name = field.split(".").at(-1)!.replace(/\[\d+\]$/, "");
  const ofRequest = `request${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return [name, name.replace(/s$/, ""), ofRequest].find((name) => Object.hasOwn(flags, name));
}

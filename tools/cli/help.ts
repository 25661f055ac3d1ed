/**
 * What `--help` prints: flags in groups, within 80 columns.
 *
 * @module
 */

import { bold } from "@std/fmt/colors";
import { toKebabCase } from "@std/text";
import type { Command, Flag, Flags } from "./command.ts";

const COLUMNS = 80;

/** Where the descriptions begin. A flag that reaches beyond has its description on the next line. */
const DESCRIPTION_COLUMN = 26;

/** Renders the help of a command. */
export function renderHelp<F extends Flags>(command: Command<F>): string {
  const { name, summary, positionals, examples } = command;
  const title = (text: string) => Deno.stdout.isTerminal() ? bold(text) : text;
  const words = [positionals, "[FLAGS]"];
  // A command of the person's own, with flags of its own, comes last.
  if (positionals?.startsWith("[--")) words.reverse();
  const usage = [TASK, name, ...words].filter(Boolean).join(" ");
  const groups = Object.entries(command.groups ?? { Flags: command.flags });
  const last = groups.length - 1;
  return [
    ...summary.split("\n").flatMap((line) => line === "" ? [""] : wrap(line, 0)),
    "",
    `${title("Usage:")} ${usage}`,
    ...groups.flatMap(([heading, flags], i) => [
      "",
      title(`${heading}:`),
      ...Object.entries(flags).filter(([, flag]) => !flag.hidden).flatMap(renderFlag),
      ...(i === last ? [...renderRow("--help", "this text"), ...renderRow("--version", "the version")] : []),
    ]),
    ...(examples === undefined ? [] : ["", title("Examples:"), ...examples.flatMap(wrapCommand)]),
  ].join("\n").replaceAll(TASK, calledAs());
}

const TASK = "deno task";

/** The variable by which an installed `timewait` tells its commands that they were called through it. */
export const CALLED_BY = "TIMEWAIT_COMMAND";

/** What a person types ahead of a command's name: `deno task`, or `timewait` where that is installed. */
export function calledAs(): string {
  const { state } = Deno.permissions.querySync({ name: "env", variable: CALLED_BY });
  return state === "granted" && Deno.env.get(CALLED_BY) !== undefined ? "timewait" : TASK;
}

function renderFlag([key, { placeholder, help, repeatable }]: [string, Flag<unknown>]): string[] {
  const name = `--${toKebabCase(key)}${placeholder === undefined ? "" : ` ${placeholder}`}`;
  return renderRow(name, `${help}${repeatable ? " (repeatable)" : ""}`);
}

function renderRow(name: string, help: string): string[] {
  const left = `  ${name}`;
  const lines = wrap(help, DESCRIPTION_COLUMN);
  if (left.length + 2 > DESCRIPTION_COLUMN) return [left, ...lines];
  return [left.padEnd(DESCRIPTION_COLUMN) + lines[0]!.trimStart(), ...lines.slice(1)];
}

/** Lines of at most 80 columns, all indented. */
function wrap(text: string, indent: number): string[] {
  // A default is not torn apart.
  const words = text.split(/(?<!\(default) /);
  return fold(words, COLUMNS - indent).map((line) => " ".repeat(indent) + line);
}

/**
 * A command line that can be copied as it stands: a backslash at the end of each line but the last, a flag
 * with its value.
 */
function wrapCommand(line: string): string[] {
  const parts = line.split(/ (?=--\w)(?=(?:[^']*'[^']*')*[^']*$)/);
  return fold(parts, COLUMNS - 6).map((text, i, lines) =>
    (i === 0 ? "  " : "    ") + text + (i < lines.length - 1 ? " \\" : "")
  );
}

/** Joins words by spaces into lines of at most `columns`, a longer word by itself. */
function fold(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

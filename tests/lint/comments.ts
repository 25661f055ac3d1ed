/**
 * Holds the width of comments, which `deno fmt` leaves alone: `deno task lint:comments` fails on a line of a
 * comment that is wider than the code may be; with `--fix` it breaks the line.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { readSources, report } from "./sources.ts";

const WIDTH = config.fmt.lineWidth;

/** The places of lines that are too wide, as `file:line`. */
export function findWide(file: string, text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, i) =>
    isWide(line) && !isExample(lines, i) ? [`${file}:${i + 1}: wider than ${WIDTH}`] : []
  );
}

/** Whether a line stands in a block of code between fences, which must not be broken as words are. */
function isExample(lines: readonly string[], index: number): boolean {
  const fences = lines.slice(0, index).filter((line) => /^ *\*? *```/.test(line));
  return fences.length % 2 === 1;
}

/** The text with its wide lines broken. What no longer fits goes to the next line of the same paragraph. */
export function breakWide(text: string): string {
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (!isWide(lines[i]!) || isExample(lines, i)) continue;
    const single = /^( *)\/\*\* (.*) \*\/$/.exec(lines[i]!);
    if (single !== null) {
      const [, indent, words] = single;
      lines.splice(i, 1, `${indent}/**`, `${indent} * ${words}`, `${indent} */`);
      continue;
    }
    const [, prefix, words] = partsOf(lines[i]!)!;
    const at = words!.lastIndexOf(" ", WIDTH - prefix!.length);
    const rest = words!.slice(at + 1);
    lines[i] = prefix + words!.slice(0, at);
    const hanging = /^(- |\d+\. )/.test(words!) ? prefix! + "  " : prefix!;
    const next = partsOf(lines[i + 1] ?? "");
    if (next !== null && next[1] === hanging && isProse(next[2]!)) {
      lines[i + 1] = `${hanging}${rest} ${next[2]}`;
    } else lines.splice(i + 1, 0, hanging + rest);
  }
  return lines.join("\n");
}

/** A comment's line as what begins it and its words. `null` for code. */
function partsOf(line: string): RegExpExecArray | null {
  return /^( *(?:\/\/|\*) +)(\S.*)$/.exec(line);
}

/** Whether words go on from the line before: no list, no tag, no table, no code. */
function isProse(words: string): boolean {
  return !/^([-@|#]|```|\d+\. )/.test(words);
}

/** Whether a line of a comment is too wide and can be broken: a table cannot, nor can a long address. */
function isWide(line: string): boolean {
  if (line.length <= WIDTH) return false;
  const words = /^ *\/\*\* (.*) \*\/$/.exec(line)?.[1] ?? partsOf(line)?.[2];
  return words !== undefined && !words.startsWith("|") && words.slice(0, WIDTH - 20).includes(" ");
}

if (import.meta.main) {
  const sources = readSources("tools", "scenarios", "tests");
  if (Deno.args.includes("--fix")) {
    for (const [file, text] of sources) {
      if (findWide(file, text).length > 0) Deno.writeTextFileSync(file, breakWide(text));
    }
  } else Deno.exitCode = report([...sources].flatMap(([file, text]) => findWide(file, text)));
}

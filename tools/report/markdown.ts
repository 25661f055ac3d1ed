/**
 * Text of the results as Markdown: whatever it holds, it cannot end the code span, the cell or the line that
 * it stands in, and is no Markdown of its own.
 *
 * @module
 */

import { showControls } from "../errors.ts";
import type { Results } from "../results/results.ts";

/**
 * What Markdown would take for its own: its marks, the beginnings of URLs and entities, the `@` of addresses,
 * and `_` except inside of a word, where it is none.
 */
const MARKS = /[\\`*[\]<>~@]|:(?=\/\/)|(?<=www)\.|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** Text among words: every character stands for itself, no URL becomes a link, line ends become spaces. */
export function prose(text: string): string {
  return oneLine(text)
    .replaceAll(MARKS, "\\$&")
    .replace(/^[-+#](?=[\s#]|$)/, "\\$&")
    .replace(/^(\d+)([.)])(?=\s|$)/, "$1\\$2");
}

/** Text as code in a line. */
export function code(text: string): string {
  const line = oneLine(text);
  const quotes = quotesAround(line, 1);
  const space = /^`|`$/.test(line) || line === "" ? " " : "";
  return `${quotes}${space}${line}${space}${quotes}`;
}

/** Text as a block of code, in lines of Markdown. */
export function codeBlock(text: string, language: string): string[] {
  const quotes = quotesAround(text, 3);
  return [`${quotes}${language}`, showControls(text), quotes];
}

/** More backticks than the text has in a row, and no fewer than `least`: a shorter row ends nothing. */
function quotesAround(text: string, least: number): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  return "`".repeat(Math.max(least, longest + 1));
}

function oneLine(text: string): string {
  return showControls(text.trim().replaceAll(/\s*[\r\n]+\s*/g, " "));
}

/** The results as reports show them: with the control characters of each text written out. */
export function showControlsIn(results: Results): Results {
  return shownValue(results) as Results;
}

function shownValue(value: unknown): unknown {
  if (typeof value === "string") return showControls(value);
  if (typeof value !== "object" || value === null) return value;
  // Series are the bulk of a document, and hold no text.
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(shownValue);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [showControls(key), shownValue(inner)]),
  );
}

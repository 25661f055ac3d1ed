/**
 * A Markdown table that can also be read as plain text.
 *
 * @module
 */

/**
 * Renders a table. The first `texts` columns are aligned left; the others hold numbers and are aligned right.
 */
export function renderRows(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  texts = 1,
): string[] {
  [header, ...rows] = [header, ...rows].map((cells) => cells.map(escapeCell)) as [string[], ...string[][]];
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) => i < texts ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(" | ")
    } |`;
  const rule = `| ${
    widths.map((width, i) => i < texts ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  return [line(header), rule, ...rows.map(line)];
}

/**
 * Escapes a bar, which ends a cell even within code, and replaces line ends, which end a row. A backslash
 * that stands before a bar in code would undo the escape, and cannot be escaped there: a space keeps them
 * apart.
 */
function escapeCell(text: string): string {
  return text.replaceAll(
    /(\\*)\|/g,
    (_, before: string) => `${before}${before.length % 2 === 0 ? "" : " "}\\|`,
  ).replaceAll(/\s*[\r\n]+\s*/g, " ");
}

/**
 * A Markdown table that can also be read as plain text.
 *
 * @module
 */

/** Renders a table: the first `texts` columns aligned left, the others, which hold numbers, right. */
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

/** A cell ends at a bar and a row at the end of its line, also within code. */
function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s*[\r\n]+\s*/g, " ");
}

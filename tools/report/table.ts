/**
 * A table in Markdown, aligned so that it can be read as it stands.
 *
 * @module
 */

/** Renders a table. The first `textColumns` columns are aligned left, the others, which hold figures, right. */
export function renderMarkdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns = 1,
): string[] {
  const widths = header.map((cell, i) => Math.max(3, cell.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) => i < textColumns ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(
        " | ",
      )
    } |`;
  const rule = widths.map((width, i) => i < textColumns ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(header), `| ${rule.join(" | ")} |`, ...rows.map(line)];
}

/**
 * Series over time as Mermaid charts, which GitHub and GitLab draw.
 *
 * @module
 */

/**
 * Colours that differ on light and dark pages and for most colour-blind readers, each with a square to name
 * it.
 */
export const COLOURS: readonly { hex: string; square: string }[] = [
  { hex: "#d62728", square: "🟥" },
  { hex: "#1f77b4", square: "🟦" },
  { hex: "#2ca02c", square: "🟩" },
  { hex: "#ff7f0e", square: "🟧" },
  { hex: "#9467bd", square: "🟪" },
  { hex: "#8c564b", square: "🟫" },
];

const POINTS = 25;

/** A series to draw. */
export interface ChartLine {
  /** What stands in the legend. */
  readonly name: string;
  /** Milliseconds since the load began. */
  readonly timeMs: readonly number[];
  /** One value for each time. */
  readonly values: readonly number[];
}

/**
 * Draws series over time. There are six colours: more series make several charts, all with the same axes.
 * Mermaid draws no legend for lines, so each chart has one above it. Empty where no time has passed.
 *
 * @param unit what the y axis counts.
 */
export function renderLineChart(lines: readonly ChartLine[], unit: string): string[] {
  const lastMs = Math.max(0, ...lines.map((line) => line.timeMs.at(-1) ?? 0));
  if (lastMs === 0) return [];
  const all = lines.map(({ name, timeMs, values }) => ({ name, values: resample(timeMs, values, lastMs) }));
  const top = Math.max(10, ...all.flatMap(({ values }) => values));
  const charts = Math.ceil(all.length / COLOURS.length);
  const perChart = Math.ceil(all.length / charts);
  return Array.from({ length: charts }, (_, i) => {
    const some = all.slice(i * perChart, (i + 1) * perChart);
    const palette = COLOURS.slice(0, some.length).map((colour) => colour.hex).join(", ");
    return [
      ...(i === 0 ? [] : [""]),
      some.map(({ name }, k) => `${COLOURS[k]!.square} \`${name}\``).join(" "),
      "",
      "```mermaid",
      `%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "${palette}"}}}}%%`,
      "xychart-beta",
      `  x-axis "seconds since the load began" 0 --> ${(lastMs / 1000).toFixed(1)}`,
      `  y-axis "${unit}" 0 --> ${top}`,
      ...some.map(({ values }) => `  line [${values.join(", ")}]`),
      "```",
    ];
  }).flat();
}

/** The latest value at each of {@linkcode POINTS} evenly spaced times. */
function resample(timeMs: readonly number[], series: readonly number[], lastMs: number): number[] {
  let at = 0;
  return Array.from({ length: POINTS }, (_, i) => {
    const time = lastMs * i / (POINTS - 1);
    while (at + 1 < timeMs.length && timeMs[at + 1]! <= time) at++;
    return series[at] ?? 0;
  });
}

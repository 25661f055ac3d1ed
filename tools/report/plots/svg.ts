/**
 * Plots as SVG files, drawn by Apache ECharts without a browser.
 *
 * @module
 */

import type { Plot } from "./plots.ts";
import { plotOption } from "./echarts_option.ts";

const SIZE = { width: 860, height: 340 };

/** Stands for the colour of text, until the reader's light or dark scheme decides it. */
const INK = "#010203";
const STYLE = "<style>svg{color:#24292f}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>";

/**
 * Renders a plot. Its text is dark on a light page and light on a dark page, if the viewer knows its scheme.
 */
export async function renderSvg(plot: Plot): Promise<string> {
  // Loaded only here: most uses of this library do without this megabyte.
  const { init } = await import("echarts");
  const chart = init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  try {
    chart.setOption(plotOption(plot, INK));
    const svg = chart.renderToSVGString().replaceAll(INK, "currentColor");
    return `${svg.replace(">", () => ` role="img" aria-label="${escapeXml(plot.title)}">${STYLE}`)}\n`;
  } finally {
    chart.dispose();
  }
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

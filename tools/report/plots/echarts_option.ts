/**
 * How a plot is drawn, as options of Apache ECharts.
 *
 * @module
 */

import type { EChartsOption } from "echarts";
import type { Plot } from "./plots.ts";

/**
 * The options of a plot whose text has the colour `ink`. This function draws the SVG files and the page. The
 * page carries its source text, so it must not use anything outside of itself.
 */
export function plotOption(plot: Plot, ink: string): Record<string, unknown> {
  const percentiles: Record<number, string> = {
    1: "0%",
    10: "90%",
    100: "99%",
    1000: "99.9%",
    10000: "99.99%",
    100000: "99.999%",
  };
  const isPercentile = plot.xScale === "percentile";
  const isSetting = plot.xScale === "value" || plot.xScale === "log";
  const grey = "rgba(128, 128, 128, 0.3)";
  const rounded = (value: unknown) => Number(Number(value).toPrecision(4)).toLocaleString("en-US");
  const names = [...new Set(plot.lines.map((line) => line.name))];
  return {
    animation: false,
    backgroundColor: "transparent",
    textStyle: { color: ink, fontFamily: "system-ui, sans-serif" },
    grid: { left: 16, right: 24, top: 62, bottom: 34, containLabel: true },
    legend: {
      top: 0,
      left: 0,
      data: names,
      type: "scroll",
      // A short line between two points that make it as high as its text: a legend of several pages is cut to
      // the icon's height.
      icon: "path://M0,0h1e-3M0,5h18v4h-18zM0,14h1e-3",
      itemWidth: 18,
      itemHeight: 14,
      itemGap: 24,
      textStyle: { color: ink },
      pageTextStyle: { color: ink },
      pageIconColor: ink,
      pageIconInactiveColor: grey,
    },
    tooltip: {
      trigger: "axis",
      // Not as HTML: a name may hold anything.
      renderMode: "richText",
      formatter: (hovered: unknown) => {
        const [x] = (hovered as { value: [number, number] }[])[0]!.value;
        const at = isPercentile
          ? `${Number((100 - 100 / x).toPrecision(5))}%`
          : isSetting
          ? `${plot.xName}: ${rounded(x)}`
          : `${x.toFixed(1)} s`;
        // Each line was sampled at times of its own, so each shows its nearest point.
        const values = plot.lines.filter(({ weight }) => weight !== "other").map(({ name, points }) => {
          const nearest = points.reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a);
          return `${name}: ${rounded(nearest[1])}`;
        });
        return [at, ...values].join("\n");
      },
    },
    xAxis: {
      type: isPercentile || plot.xScale === "log" ? "log" : "value",
      name: plot.xName,
      nameLocation: "middle",
      nameGap: 28,
      nameTextStyle: { color: ink },
      axisLine: { lineStyle: { color: grey } },
      ...(isPercentile ? {} : { max: "dataMax" }),
      ...(isSetting ? { min: "dataMin" } : {}),
      axisLabel: {
        color: ink,
        hideOverlap: true,
        ...(isPercentile
          ? { formatter: (x: number) => percentiles[x] ?? "" }
          : isSetting
          ? { formatter: rounded }
          : { showMaxLabel: false }),
      },
      splitLine: { show: isPercentile, lineStyle: { color: grey } },
    },
    yAxis: {
      type: "value",
      name: plot.yName,
      nameTextStyle: { color: ink, align: "left" },
      axisLabel: { color: ink, formatter: rounded },
      splitLine: { lineStyle: { color: grey } },
    },
    series: plot.lines.map((line) => ({
      type: "line",
      name: line.name,
      data: line.points.map(([x, y]) => [x, y]),
      color: line.colour,
      showSymbol: isSetting && line.weight === "middle",
      silent: line.weight === "mark",
      lineStyle: {
        width: line.weight === "middle" ? 2.5 : 1,
        opacity: line.weight === "other" ? 0.5 : 1,
        type: line.weight === "mark" ? "dashed" : "solid",
      },
    })),
  } satisfies EChartsOption;
}

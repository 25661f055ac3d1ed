/**
 * What a plot is, as plain data.
 *
 * @module
 */

/** One line of a plot. */
export interface PlotLine {
  /** The run, or what a dashed line marks. */
  readonly name: string;
  /** The run's colour, `#rrggbb`. */
  readonly colour: string;
  /**
   * `middle`: the repetition nearest to the median requests/s, or all repetitions together; `other`: the
   * rest; `mark`: a limit.
   */
  readonly weight: "middle" | "other" | "mark";
  /** The points in the order of x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One plot. */
export interface Plot {
  /** Its name in file names, such as `time_wait`. */
  readonly name: string;
  /** What it shows, for its heading. */
  readonly title: string;
  /** The name of the x axis, with its unit. */
  readonly xName: string;
  /** The unit of the y axis. */
  readonly yName: string;
  /**
   * `percentile`: x is 1 ÷ (1 − the share of answers), on a logarithmic scale, as HdrHistogram plots it.
   * `value` and `log`: x is the value of a setting, and each point is marked.
   */
  readonly xScale: "linear" | "percentile" | "value" | "log";
  /** The lines in the order of drawing. */
  readonly lines: readonly PlotLine[];
}

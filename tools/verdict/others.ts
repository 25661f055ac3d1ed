/**
 * Connections of other programs, which a host lab counts with those of the bench.
 *
 * @module
 */

import { type Measured, measuredOf, openerOf, type Run } from "../results/results.ts";
import { estimateMedian } from "./intervals.ts";

/** Fewer connections than this, or a smaller share of those that are counted, do not matter. */
const FEWEST = 20;
const SHARE = 0.02;

/** Connections that are counted with a run's, as medians over its repetitions. */
export interface Others {
  /** Connections of which no socket of the bench was left. */
  readonly count: number;
  /** Connections that are counted as opened towards the backend. */
  readonly opened: number;
  /** Requests that were answered. */
  readonly requests: number;
}

/** The connections of others; `undefined` where they do not matter, and where that is not known. */
export function othersOf(run: Run): Others | undefined {
  const known = measuredOf(run).filter(({ openedByOthers }) => openedByOthers !== undefined);
  if (known.length === 0) return undefined;
  const median = (of: (repetition: Measured) => number) => estimateMedian(known.map(of))!.estimate;
  const count = median(({ openedByOthers }) => openedByOthers!);
  const opener = openerOf(run.options);
  const opened = estimateMedian(known.map(({ hosts }) => hosts[opener]?.connectionsOpened ?? 0))!.estimate;
  if (count < FEWEST || count < SHARE * opened) return undefined;
  return { count, opened, requests: median(({ requests }) => requests) };
}

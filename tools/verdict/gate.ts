/**
 * Gates: what a run must keep to, such as `requestsPerSec>=-5%` against other results or
 * `gateway.timeWaitPeak<=1000` by itself. {@linkcode checkGates} says whether the repetitions show that it
 * does.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";

/** A condition on a figure. */
export interface Gate {
  /** As it was typed. */
  readonly text: string;
  /** The name of the run that must keep to it. Left out for all runs. */
  readonly run?: string;
  /**
   * A figure of a repetition, such as `latencyUs.p99`; `gateway.timeWaitPeak` stands for that of `hosts`, and
   * `requestsPerSec` for the requests that were answered in time with 2xx or 3xx, as in the table.
   */
  readonly figure: string;
  /** Whether the limit is the highest or the lowest that is allowed. */
  readonly operator: "<=" | ">=";
  /** The limit of the figure, or of its change as a share of what it is compared with. */
  readonly limit: number;
  /** Whether the limit is a limit of the change. */
  readonly relative: boolean;
}

/**
 * Parses a gate: `[RUN:]FIGURE>=LIMIT` or `<=`. A limit with a percent sign is a limit of the change.
 *
 * @throws {TimewaitError} for anything else.
 */
export function parseGate(text: string, field = "gate"): Gate {
  const match = /^(?:([^:<>=]+):)?([A-Za-z0-9.]+)\s*(<=|>=)\s*([+-]?\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  if (match === null) {
    throw new TimewaitError(
      `takes a gate such as 'requestsPerSec>=-5%' or 'pool-1000:gateway.timeWaitPeak<=1000', not "${text}"`,
      { field },
    );
  }
  const [, run, figure, operator, limit, percent] = match;
  const relative = percent === "%";
  return {
    text: text.trim(),
    ...(run === undefined ? {} : { run: run.trim() }),
    figure: figure!,
    operator: operator as Gate["operator"],
    limit: relative ? Number(limit) / 100 : Number(limit),
    relative,
  };
}

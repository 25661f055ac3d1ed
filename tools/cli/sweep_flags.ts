/**
 * The flags of bench that vary settings: over given values, or until a limit is found.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { VariationOptions } from "../run/variation.ts";
import { shown } from "../scenario/check.ts";
import { listFlag, type Options, valueFlag } from "./command.ts";
import { parseText } from "./values.ts";

/** The flags. */
export const SWEEP_FLAGS = {
  sweep: listFlag(
    "FLAG=VALUES",
    "numeric flag of load, backend or gateway to vary: a list 50,100,200, doubling 50..1000, or five values 50..1000/5; given twice, a grid",
    parseSweep,
  ),
  find: valueFlag(
    "FLAG[=RANGE]",
    "limit to find by bisection: connections, the most that a pool holds, or rate, the highest that keeps --slo; in a range such as 500..4000",
    parseText,
    undefined,
  ),
  slo: valueFlag(
    "CONDITIONS",
    "conditions that a rate must keep, such as p99<=200ms,errors<=0.1%",
    parseText,
    undefined,
  ),
} as const;

/** Takes `FLAG=VALUES`, with the name of the flag as it is typed elsewhere. The values are checked later. */
function parseSweep(text: string, field: string): readonly [name: string, values: string] {
  const [, name, values] = /^(?:--)?([A-Za-z-]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || values === undefined) {
    throw new TimewaitError(`takes a flag and its values, such as connections=50..1000, not ${shown(text)}`, {
      field,
    });
  }
  return [name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()), values];
}

/**
 * What to vary.
 *
 * @throws {TimewaitError} for a flag that is varied twice.
 */
export function sweepOptionsOf({ sweep, find, slo }: Options<typeof SWEEP_FLAGS>): VariationOptions {
  const twice = sweep.find(([name], i) => sweep.findIndex(([other]) => other === name) !== i);
  if (twice !== undefined) {
    throw new TimewaitError(`varies ${twice[0]} twice: give all of its values once, separated by commas`, {
      field: "sweep",
    });
  }
  return { sweep: Object.fromEntries(sweep), find, slo };
}

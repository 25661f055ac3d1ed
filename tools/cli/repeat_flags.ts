/**
 * The flags of bench that say how often each run is measured.
 *
 * @module
 */

import type { MeasureOptions } from "../run/bench_plan.ts";
import type { Gate } from "../verdict/gate.ts";
import { parseDurationMs, parseShare, parseWhole } from "./values.ts";
import { TimewaitError } from "../errors.ts";
import { type Options, switchFlag, valueFlag } from "./command.ts";

const DEFAULT_MAX_TIME_MS = 600_000;
const MOST_SEED = 2 ** 31 - 1;

/** The flags. */
export const REPEAT_FLAGS = {
  quick: switchFlag("first look: one repetition of 4 s for each run, without uncertainty"),
  repeat: valueFlag(
    "N",
    "repetitions of each run (default 6 for two runs, 7 for three, 8 for four to seven)",
    parseWhole(1),
    undefined,
  ),
  until: valueFlag(
    "PERCENT",
    "width that the interval of each comparison must come below, such as 3%; rounds go on until then",
    parseShare,
    undefined,
  ),
  decide: switchFlag(
    "rounds go on until each --gate is shown to hold or to fail, or without one until each difference is shown; 60 at most",
  ),
  maxTime: valueFlag(
    "DURATION",
    "time after which --until and --decide begin no further round (default 10m)",
    parseDurationMs,
    undefined,
  ),
  seed: valueFlag(
    "N",
    "seed of the order in which runs take turns (default: drawn)",
    parseWhole(0, MOST_SEED),
    undefined,
  ),
  selfCheck: switchFlag(
    "check of the bench itself: the baseline under two names; a difference shown is a false alarm, exit code 1",
  ),
};

/** The flags, parsed. */
export type RepeatOptions = Options<typeof REPEAT_FLAGS>;

/**
 * How often to measure. A quick bench measures once.
 *
 * @param gates what a bench that decides is to decide.
 * @throws {TimewaitError} for `--max-time` without what it bounds, and for both of these.
 */
export function repeatOptionsOf(
  { repeat, until, decide, maxTime, seed, selfCheck, quick }: RepeatOptions,
  gates: readonly Gate[] = [],
): Pick<MeasureOptions, "repeat" | "until" | "decide" | "seed" | "selfCheck"> {
  if (maxTime !== undefined && until === undefined && !decide) {
    throw new TimewaitError("--max-time bounds --until and --decide: give one of them, or --repeat alone");
  }
  if (until !== undefined && decide) {
    throw new TimewaitError("--until and --decide each say when to stop: give one of them");
  }
  const maxTimeMs = maxTime ?? DEFAULT_MAX_TIME_MS;
  return {
    repeat: repeat ?? (quick ? 1 : undefined),
    until: until === undefined ? undefined : { width: until, maxTimeMs },
    decide: decide
      ? { maxTimeMs, ...(gates.length === 0 ? {} : { gates: gates.map(({ text }) => text) }) }
      : undefined,
    seed,
    selfCheck,
  };
}

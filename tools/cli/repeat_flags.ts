/**
 * The flags of bench that say how often each run is measured.
 *
 * @module
 */

import {
  type Options,
  parseDurationMs,
  parseWhole,
  switchFlag,
  UsageError,
  valueFlag,
} from "./command_line.ts";
import type { BenchPlan } from "../run/runner.ts";

/** Repetitions of each run: the least with which three comparisons or more can all show a difference. */
export const DEFAULT_REPEAT = 5;

const DEFAULT_MAX_TIME_MS = 600_000;
const MOST_SEED = 2 ** 31 - 1;

/** The flags. */
export const REPEAT_FLAGS = {
  repeat: valueFlag("N", `repetitions of each run (default: ${DEFAULT_REPEAT})`, parseWhole(1), undefined),
  until: valueFlag(
    "PERCENT",
    "go on until the interval of each comparison is narrower than this, such as 3%",
    parseShare,
    undefined,
  ),
  maxTime: valueFlag(
    "DURATION",
    "with --until: begin no round after it (default: 10m)",
    parseDurationMs,
    undefined,
  ),
  seed: valueFlag(
    "N",
    "draw the order of the repetitions with it (default: drawn)",
    parseWhole(0, MOST_SEED),
    undefined,
  ),
  selfCheck: switchFlag(
    "measure the baseline under two names: a difference shown is a false alarm, exit code 1",
  ),
};

/** The flags, parsed. */
export type RepeatOptions = Options<typeof REPEAT_FLAGS>;

/**
 * How often to measure. A quick bench measures once.
 *
 * @throws {UsageError} for `--max-time` without `--until`.
 */
export function repeatPlanOf(
  options: RepeatOptions,
  quick: boolean,
): Pick<BenchPlan, "repeat" | "until" | "seed"> {
  const { until, maxTime, seed } = options;
  if (maxTime !== undefined && until === undefined) {
    throw new UsageError("--max-time bounds --until: give both, or --repeat alone");
  }
  return {
    repeat: options.repeat ?? (quick ? 1 : DEFAULT_REPEAT),
    ...(until === undefined ? {} : { until: { width: until, maxTimeMs: maxTime ?? DEFAULT_MAX_TIME_MS } }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** The words of a command line that give these options again. */
export function repeatWords(options: RepeatOptions): string[] {
  const { repeat, until, maxTime, seed, selfCheck } = options;
  return [
    ...(repeat === undefined ? [] : ["--repeat", String(repeat)]),
    ...(until === undefined ? [] : ["--until", `${Number((until * 100).toFixed(6))}%`]),
    ...(maxTime === undefined ? [] : ["--max-time", `${maxTime}ms`]),
    ...(seed === undefined ? [] : ["--seed", String(seed)]),
    ...(selfCheck ? ["--self-check"] : []),
  ];
}

/**
 * A share as people write it: `3%` is 0.03.
 *
 * @throws {UsageError} for what is no percentage above 0.
 */
export function parseShare(text: string, name: string): number {
  const percent = /^\d+(?:\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : 0;
  if (!(percent > 0)) throw new UsageError(`${name} takes a percentage such as 3%, not "${text}"`);
  return percent / 100;
}

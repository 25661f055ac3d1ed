/**
 * What is said once where it is the same for all runs, and for each run where it is not.
 *
 * @module
 */

import type { Run } from "../results/results.ts";
import type { RunOptions } from "../scenario/plan.ts";

/** Runs of which the same is said. */
export interface SaidOf<T> {
  /** Their names. */
  readonly names: readonly string[];
  /** What is said of them. */
  readonly said: T;
}

/** What is said of the runs, each thing once, in the order of the runs. */
export function sayByRun<T extends string>(
  runs: readonly Run[],
  say: (options: RunOptions) => T,
): SaidOf<T>[] {
  const names = new Map<T, string[]>();
  for (const { name, options } of runs) {
    const said = say(options);
    names.set(said, [...names.get(said) ?? [], name]);
  }
  return [...names].map(([said, names]) => ({ names, said }));
}

/** One text for all runs, or for each group of runs a text that begins with their names. */
export function describeByRun(runs: readonly Run[], say: (options: RunOptions) => string): string[] {
  const groups = sayByRun(runs, say);
  if (groups.length === 1) return [groups[0]!.said];
  return groups.map(({ names, said }) => `${names.map((name) => `\`${name}\``).join(", ")}: ${said}`);
}

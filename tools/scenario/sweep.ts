/**
 * Sweeps: a scenario with one run for each value of a setting. Pure functions of plans.
 *
 * @module
 */

import { messageOf, TimewaitError } from "../errors.ts";
import { listOf, optionsOf, shown } from "./check.ts";
import type { RunPlan, ScenarioPlan, SweptValue } from "./plan.ts";
import type { Sweep } from "./scenario.ts";
import { hasSetting, optionOf, settingValue, whoHas, withSetting } from "./settings.ts";

/**
 * The most runs of a sweep. A round of them takes some six minutes with the default load, and no table or
 * plot of more can be read.
 */
export const MOST_RUNS = 100;

/** A setting and the values that a sweep gives it. */
interface Axis {
  readonly name: string;
  readonly values: readonly SweptValue[];
}

/**
 * The plan with a run for each value, for each of the scenario's runs that has the setting; with several
 * settings, for each combination of their values. Runs that have none of the settings stay as they are.
 *
 * A run is named for the scenario's run and its values, `pool-100 connections=50`; the only run of a scenario
 * for its values alone. The baseline is that of the scenario, at its first value.
 *
 * @throws {TimewaitError} for a setting that no run has, for values that do not fit, and for more than
 * {@linkcode MOST_RUNS} runs.
 */
export function sweepPlan(plan: ScenarioPlan, sweep: Sweep): ScenarioPlan {
  const axes = Object.entries(optionsOf(sweep, "sweep")).map(([name, values]) => axisOf(name, values));
  if (axes.length === 0) return plan;
  for (const { name } of axes) {
    if (!plan.runs.some(({ options }) => hasSetting(options, name))) {
      throw new TimewaitError(`${whoHas(name)}, and no run of this scenario is one`, { field: "sweep" });
    }
  }
  const axesOf = ({ options }: RunPlan) => axes.filter(({ name }) => hasSetting(options, name));
  const count = plan.runs.reduce(
    (sum, run) => sum + axesOf(run).reduce((product, { values }) => product * values.length, 1),
    0,
  );
  if (count > MOST_RUNS) {
    throw new TimewaitError(`makes ${count} runs, and ${MOST_RUNS} are the most: give fewer values`, {
      field: "sweep",
    });
  }
  const alone = plan.runs.length === 1;
  return { ...plan, runs: plan.runs.flatMap((run) => runsOf(run, axesOf(run), { alone })) };
}

function runsOf(run: RunPlan, axes: readonly Axis[], { alone }: { readonly alone: boolean }): RunPlan[] {
  if (axes.length === 0) return [run];
  const combinations = axes.reduce<readonly (readonly SweptValue[])[]>(
    (before, { values }) => before.flatMap((some) => values.map((value) => [...some, value])),
    [[]],
  );
  return combinations.map((swept, i) => {
    return sweptRun({ ...run, baseline: run.baseline && i === 0 }, swept, { alone });
  });
}

/**
 * A run at these values, named for them.
 *
 * @param names whether it is the only run of its scenario, which the values tell apart by themselves.
 */
export function sweptRun(
  run: RunPlan,
  swept: readonly SweptValue[],
  { alone }: { readonly alone: boolean },
): RunPlan {
  const values = swept.map(describeSwept).join(" ");
  const options = swept.reduce(
    (options, { name, value }) => withSetting(options, { key: name, value }),
    run.options,
  );
  return {
    name: alone ? values : `${run.name} ${values}`,
    baseline: run.baseline,
    series: run.name,
    swept,
    options,
  };
}

/** A value as the names of runs have it: `connections=50`, `latency=20ms`. */
export function describeSwept({ name, value }: SweptValue): string {
  return `${optionOf(name)}=${value}${name.endsWith("Ms") ? "ms" : ""}`;
}

/**
 * The values of one setting: a list, or text with values, ranges that double (`50..1000`) and ranges in equal
 * steps (`50..1000/5`: five values), all separated by commas.
 */
function axisOf(name: string, given: Sweep[string]): Axis {
  const parts = typeof given === "string"
    ? given.split(",").map((part) => part.trim())
    : listOf(given, "sweep");
  const asked = typeof given === "string" ? `${name}=${given}` : name;
  try {
    const values = parts.flatMap((part) => {
      if (typeof part === "string" && part.includes("..")) return rangeOf(name, part);
      if (typeof part === "number" || typeof part === "string" && part !== "") {
        return [settingValue(name, part)];
      }
      throw new TimewaitError(`has no value ${shown(part)}`);
    });
    if (values.length === 0) throw new TimewaitError("has no value");
    const sorted = [...new Set(values.map(({ value }) => value))].toSorted((a, b) => a - b);
    return { name, values: sorted.map((value) => ({ name: values[0]!.key, value })) };
  } catch (error) {
    if (!(error instanceof TimewaitError)) throw error;
    const problem = error.field === undefined ? messageOf(error) : error.problem;
    throw new TimewaitError(`${asked}: ${problem}`, { field: "sweep", cause: error });
  }
}

/** `50..1000` doubles, and ends with its last value in any case; `50..1000/5` is five values. */
function rangeOf(name: string, text: string): { readonly key: string; readonly value: number }[] {
  const [, first, last, steps] = /^(.+?)\.\.(.+?)(?:\/(\d+))?$/.exec(text) ?? [];
  if (first === undefined || last === undefined) {
    throw new TimewaitError(`takes a range such as 50..1000 or 50..1000/5, not ${shown(text)}`);
  }
  const { key, value: low } = settingValue(name, first);
  const { value: high } = settingValue(name, last);
  if (!(high > low)) throw new TimewaitError(`${text} goes down: give the lower value first`);
  if (steps !== undefined) {
    const count = Number(steps);
    if (count < 2 || count > MOST_RUNS) {
      throw new TimewaitError(`${text} takes from 2 to ${MOST_RUNS} values, both ends among them`);
    }
    return Array.from({ length: count }, (_, i) => ({
      key,
      value: Math.round(low + (high - low) * i / (count - 1)),
    }));
  }
  if (low === 0) {
    throw new TimewaitError(`${text} begins at 0, which does not double: give ${text}/5 for five values`);
  }
  const values: { key: string; value: number }[] = [];
  for (let value = low; value < high; value *= 2) values.push({ key, value });
  return [...values, { key, value: high }];
}

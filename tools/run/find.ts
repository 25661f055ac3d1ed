/**
 * Bisection: measures one value after the other, until it is known up to which one a run holds.
 *
 * @module
 */

import { isMeasured, type Repetition, type Results, type Run } from "../results/results.ts";
import type { FindPlan } from "../scenario/find.ts";
import { sweptRun } from "../scenario/sweep.ts";
import { nextValue } from "../verdict/bisection.ts";
import { capOf, triedOf } from "../verdict/found.ts";
import type { BenchPlan } from "./bench_plan.ts";
import { runsToFind, stepOf } from "./find_steps.ts";
import { type BenchOptions, machinesOf, runBench } from "./runner.ts";

/** A plan with something to find. */
export interface FindBench extends BenchPlan {
  /** What is looked for. */
  readonly find: FindPlan;
}

/**
 * Carries out a plan: a bisection where something is to be found, else a bench.
 */
export function runPlan(plan: BenchPlan, options: BenchOptions = {}): Promise<Results> {
  return plan.find === undefined ? runBench(plan, options) : runFind({ ...plan, find: plan.find }, options);
}

/**
 * Finds, for one run after the other. Each value that was tried is a run of the results, with as many
 * repetitions as it was tried.
 */
async function runFind(plan: FindBench, options: BenchOptions): Promise<Results> {
  const { onResults, signal, ...observer } = options;
  await using machines = await machinesOf(plan, options);
  const alone = plan.scenario.runs.length === 1;
  let results: Results | undefined;
  let environment = options.environment;
  // The more connections, the more a pool that is too small tells of its size.
  const bounds = plan.find.name === "connections" ? { ...plan.find, first: plan.find.high } : plan.find;
  for (const run of runsToFind(plan.scenario.runs, plan.find)) {
    for (let value = nextValue([], bounds); value !== undefined;) {
      if (results !== undefined && signal?.aborted) break;
      const step = sweptRun(stepOf(run, plan.find, value), [{ name: plan.find.name, value }], { alone });
      const before = results;
      const merge = (one: Results) => merged(before, { ...one, method: { ...one.method, find: plan.find } });
      const one = await runBench(
        {
          ...plan,
          repeat: 1,
          until: null,
          scenario: { ...plan.scenario, runs: [{ ...step, baseline: true }] },
        },
        {
          ...observer,
          ...(environment === undefined ? {} : { environment }),
          machines,
          signal,
          onResults: async (one) => await onResults?.(merge(one)),
        },
      );
      results = merge(one);
      environment = one.environment;
      const tried = results.runs.filter(({ series, repetitions }) =>
        series === run.name && repetitions.length > 0
      );
      const trials = tried.map((one) => triedOf(one, plan.find));
      value = isHopeless(tried) || capOf(trials) !== undefined ? undefined : nextValue(trials, bounds);
    }
  }
  return results!;
}

/** Whether the first two values could not be measured: nothing else would be. */
function isHopeless(tried: readonly Run[]): boolean {
  return tried.length >= 2 && tried.every(({ repetitions }) => !repetitions.some(isMeasured));
}

/** The results so far with those of one more repetition: of a new value, or of one that was tried before. */
function merged(before: Results | undefined, one: Results): Results {
  if (before === undefined) return one;
  const [run] = one.runs as [Run];
  // Its times count from its own begin.
  const sinceMs = Date.parse(one.startedAt) - Date.parse(before.startedAt);
  const repetitions = run.repetitions.map((repetition): Repetition =>
    "failed" in repetition || repetition.startedMs === null
      ? repetition
      : { ...repetition, startedMs: Math.max(0, repetition.startedMs + sinceMs) }
  );
  const same = before.runs.find(({ name }) => name === run.name);
  const runs = same === undefined
    ? [...before.runs, { ...run, baseline: false, repetitions }]
    : before.runs.map((other) =>
      other === same ? { ...same, repetitions: [...same.repetitions, ...repetitions] } : other
    );
  return { ...before, runs, interrupted: one.interrupted };
}

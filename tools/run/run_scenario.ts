/**
 * Measures a scenario: what `deno task bench` does, as one function.
 *
 * @module
 */

import type { LabKind } from "../lab/lab.ts";
import type { LoadGenerator } from "../load/load.ts";
import type { DecidePlan, Results, UntilPlan } from "../results/results.ts";
import type { Backend, Load, Scenario, Sweep, Sysctls } from "../scenario/scenario.ts";
import { planBench } from "./bench_plan.ts";
import { runPlan } from "./find.ts";
import type { BenchProgress } from "./runner.ts";

/** How a scenario is measured. */
export interface RunScenarioOptions {
  /** What the results call the scenario. Default `script`. */
  readonly name?: string | undefined;
  /** Load options that hold for every run, over what the scenario says. */
  readonly load?: Load | undefined;
  /** Backend options that hold for every run, over what the scenario says. */
  readonly backend?: Backend | undefined;
  /** Sysctls for every run, beside or instead of its own. */
  readonly sysctls?: Sysctls | undefined;
  /**
   * Repetitions of each run, at least 1: all of them, or the least of them with `until` or `decide`. Default
   * 6 for two runs and with `decide`, 7 for three, 8 for four to seven.
   */
  readonly repeat?: number | undefined;
  /** Goes on after `repeat` until the comparisons are precise enough. Default: it does not. */
  readonly until?: UntilPlan | undefined;
  /**
   * Settings to vary, by the names of their options: `{ connections: "50..1000" }`. Each run is measured at
   * each value, 5 times unless `repeat` says otherwise. They take the place of the scenario's own.
   */
  readonly sweep?: Sweep | undefined;
  /**
   * What to find in place of a comparison, by bisection, for each run with a gateway: `connections`, the most
   * that its pool holds; `rate`, the highest that keeps `slo`. With a range if wanted: `rate=500..4000`. At
   * most 12 repetitions for each run. The values that were tried are the runs of the results.
   */
  readonly find?: string | undefined;
  /** What must hold at a rate: conditions such as `p99<=200ms,errors<=0.1%`. */
  readonly slo?: string | undefined;
  /**
   * Looks after each round and stops once it is shown that each of the gates holds or fails, or without gates
   * that each run differs from the baseline; after 60 rounds at the latest. Default: it does not look.
   */
  readonly decide?: DecidePlan | undefined;
  /** What the order of the repetitions is drawn with, a whole number of 32 bits. Default: drawn itself. */
  readonly seed?: number | undefined;
  /** Measures the baseline under two names in place of the runs: an A/A check. Default false. */
  readonly selfCheck?: boolean | undefined;
  /**
   * Where it is measured. Default `auto`: a private lab where one can be had, else the machine's own
   * loopback.
   */
  readonly lab?: LabKind | "auto" | undefined;
  /**
   * What makes the load. Default `auto`: wrk where it is installed, else autocannon; the open loop for a load
   * with a rate.
   */
  readonly generator?: LoadGenerator | "auto" | undefined;
  /**
   * Whether this machine's wrk is copied to given clients that have none, for the time of the bench. Default
   * false.
   */
  readonly push?: boolean | undefined;
  /** The command line that measures this again, for the report. Default: that of the script. */
  readonly command?: string | undefined;
  /** Ends the bench: what was measured so far is returned, marked as interrupted. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
  /** Called when a repetition starts, and then twice a second while its load runs. */
  readonly onProgress?: ((progress: BenchProgress) => void) | undefined;
  /** Called before the first repetition and after each, with all that has been measured. */
  readonly onResults?: ((results: Results) => Promise<void>) | undefined;
}

/**
 * Measures a scenario and returns its results.
 *
 * The runs take turns: in each round every run is measured once, in an order drawn anew, so that a machine
 * that drifts does so under all of them. A repetition that fails stands in the results as failed, and the
 * others go on.
 *
 * @throws {TimewaitError} for a scenario that cannot be measured as asked; its `field` names the option.
 * @example
 * ```ts ignore
 * import { renderReport, runScenario } from "timewait";
 *
 * const results = await runScenario({
 *   question: "Does a pool of 10 fit 100 connections?",
 *   load: { connections: 100, duration: "2s" },
 *   runs: [
 *     { name: "pool-100", gateway: { poolMaxIdlePerHost: 100 } },
 *     { name: "pool-10", gateway: { poolMaxIdlePerHost: 10 } },
 *   ],
 * });
 * console.log(renderReport(results));
 * ```
 */
export async function runScenario(scenario: Scenario, options: RunScenarioOptions = {}): Promise<Results> {
  const { onProgress, onResults, signal, ...measured } = options;
  return await runPlan(await planBench(scenario, measured), {
    signal,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(onResults === undefined ? {} : { onResults }),
  });
}

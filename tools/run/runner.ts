/**
 * The runner: measures every run of a scenario as often as asked, by turns, and keeps the results document.
 *
 * @module
 */

import { messageOf } from "../cli/command_line.ts";
import { readEnvironment } from "./environment.ts";
import { checkFileLimit } from "../lab/file_limit.ts";
import type { HostSysctls } from "../lab/machine_knobs.ts";
import type { LabChoice } from "../lab/lab.ts";
import { resolveSysctls, type Sysctls } from "../lab/knobs.ts";
import type { GeneratorChoice } from "../load/load.ts";
import { checkLoadOptions } from "../load/start_load.ts";
import { measureRepetition, type Progress } from "./repetition.ts";
import {
  type Repetition,
  type Results,
  type RunOptions,
  SCHEMA,
  type UntilPlan,
} from "../results/results.ts";
import { isPrecise, randomSeed, shuffledRounds } from "./rounds.ts";
import {
  type BackendPlan,
  checkScenario,
  DEFAULT_BACKEND,
  DEFAULT_LOAD,
  type LoadPlan,
  resolveGatewayPlan,
  type RunPlan,
  type Scenario,
} from "../scenario/scenario.ts";

/** What to measure, and how. */
export interface BenchPlan {
  /** Its question, its runs, and which of them is the baseline. */
  readonly scenario: Scenario;
  /** What differs from the scenario's load. */
  readonly load?: Partial<LoadPlan>;
  /** What differs from the scenario's backend. */
  readonly backend?: Partial<BackendPlan>;
  /** Sysctls for every run, beside or instead of its own. */
  readonly sysctls?: Sysctls;
  /** What changes the machine's own sysctls in a host lab; without it they stay as they are. */
  readonly hostSysctls?: HostSysctls | undefined;
  /** Repetitions of each run, at least 1: all of them, or the least of them with `until`. */
  readonly repeat: number;
  /** Goes on after `repeat` until the comparisons are precise enough. Left out, it does not. */
  readonly until?: UntilPlan;
  /** Whether the scenario is one of {@linkcode selfCheckOf}. Default `false`. */
  readonly selfCheck?: boolean;
  /** What the order is drawn with, a whole number of 32 bits. Left out, it is drawn itself. */
  readonly seed?: number;
  /** The kind of lab for every repetition, as {@linkcode chooseLab} has decided. */
  readonly lab: LabChoice;
  /** What drives every load, as {@linkcode chooseGenerator} has decided. */
  readonly generator: GeneratorChoice;
  /** The command line that measures this again, for the report. */
  readonly command: string;
}

/** Where a bench stands. */
export interface BenchProgress {
  /** Repetitions of all runs that are over. */
  readonly done: number;
  /** Repetitions of all runs together. */
  readonly total: number;
  /** The name of the run under way. */
  readonly run: string;
  /** Which repetition of that run is under way, counted from 1. */
  readonly repetition: number;
  /** What the load under way does; `undefined` while its parties start. */
  readonly load?: Progress;
}

/** Who is told of a bench under way. */
export interface BenchObserver {
  /** Called when a repetition starts, and then twice a second while its load runs. */
  onProgress?(progress: BenchProgress): void;
  /** Called before the first repetition and after each, with all that has been measured. */
  onResults?(results: Results): Promise<void>;
  /** Called with each repetition when it is over. */
  onRepetition?(run: string, repetition: number, result: Repetition): void;
}

/**
 * Checks whether a scenario and its load can be measured as asked, without measuring anything.
 *
 * @throws {UsageError} when they cannot.
 */
export async function checkPlan(plan: Pick<BenchPlan, "scenario" | "load" | "generator">): Promise<void> {
  const { scenario, generator } = plan;
  checkScenario(scenario);
  const load = loadOf(plan);
  checkLoadOptions(generator.name, load);
  await checkFileLimit(load.connections, scenario.runs.some((run) => run.gateway !== undefined));
}

function loadOf({ scenario, load }: Pick<BenchPlan, "scenario" | "load">): LoadPlan {
  return { ...DEFAULT_LOAD, ...scenario.load, ...load };
}

/**
 * Measures a scenario. The runs take turns: in each round every run is measured once, in an order drawn anew, so that
 * a machine that drifts does so under all of them.
 *
 * A repetition that fails stands in the results as failed, and the others go on. When the signal aborts, what was
 * measured so far is returned, marked as interrupted.
 *
 * @throws {UsageError} for a scenario or a load that could not be measured as asked.
 */
export async function runScenario(
  plan: BenchPlan,
  signal: AbortSignal,
  observer: BenchObserver = {},
): Promise<Results> {
  const { scenario, repeat, lab, generator, command, until = null, seed = randomSeed() } = plan;
  await checkPlan(plan);
  const load = loadOf(plan);
  const backend: BackendPlan = { ...DEFAULT_BACKEND, ...scenario.backend, ...plan.backend };
  const runs = scenario.runs.map((run) => ({
    name: run.name,
    baseline: run.name === scenario.baseline,
    options: {
      gateway: run.gateway === undefined ? null : resolveGatewayPlan(run.gateway),
      backend,
      load,
      ...optionalOptions(scenario, run, plan.sysctls),
    } satisfies RunOptions,
    repetitions: [] as Repetition[],
  }));
  const { name, question, expectation } = scenario;
  const results: Results & { interrupted: boolean } = {
    schema: SCHEMA,
    scenario: name,
    question,
    expectation,
    command,
    startedAt: new Date().toISOString(),
    seed,
    method: { repeat, until, ...(plan.selfCheck ? { selfCheck: true } : {}) },
    environment: await readEnvironment(lab, generator),
    interrupted: false,
    runs,
  };
  await observer.onResults?.(results);

  const context = { lab: lab.kind, generator: generator.name, signal, hostSysctls: plan.hostSysctls };
  const firstStartedMs = performance.now();
  const rounds = shuffledRounds(runs, seed);
  for (let round = 0; !signal.aborted && wantsRound(results, plan, round, firstStartedMs); round++) {
    const total = Math.max(repeat, round + 1) * runs.length;
    for (const [i, run] of rounds.next().value.entries()) {
      const at = { done: round * runs.length + i, total, run: run.name, repetition: round + 1 };
      observer.onProgress?.(at);
      try {
        const onProgress = (load: Progress) => observer.onProgress?.({ ...at, load });
        run.repetitions.push(
          await measureRepetition(run.options, { ...context, firstStartedMs, onProgress }),
        );
      } catch (error) {
        if (!signal.aborted) run.repetitions.push({ failed: messageOf(error) });
      }
      if (signal.aborted) break;
      observer.onRepetition?.(run.name, round + 1, run.repetitions.at(-1)!);
      await observer.onResults?.(results);
    }
  }
  results.interrupted = signal.aborted;
  await observer.onResults?.(results);
  return results;
}

/** What only some scenarios ask for is left out of the results of the others. */
function optionalOptions(scenario: Scenario, run: RunPlan, sysctls: Sysctls = {}): Partial<RunOptions> {
  const asked = resolveSysctls({ ...run.sysctls, ...sysctls });
  return {
    ...(Object.keys(asked).length === 0 ? {} : { sysctls: asked }),
    ...(run.loopback === undefined ? {} : { loopback: run.loopback }),
    ...(scenario.probeConnects && run.gateway !== undefined ? { probeConnects: true } : {}),
  };
}

/** Whether another round is to be measured: up to `repeat` always, then while time is left and precision is not had. */
function wantsRound(results: Results, plan: BenchPlan, round: number, firstStartedMs: number): boolean {
  if (round < plan.repeat) return true;
  const { until } = plan;
  if (until === undefined || performance.now() - firstStartedMs >= until.maxTimeMs) return false;
  return !isPrecise(results, until.width);
}

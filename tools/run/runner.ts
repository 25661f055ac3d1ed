/**
 * The runner: measures every run of a scenario as often as asked, by turns, and keeps the results document.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import { checkFileLimit } from "../lab/file_limit.ts";
import type { HostSysctls } from "../lab/machine_knobs.ts";
import type { LabChoice, LabKind } from "../lab/lab.ts";
import { chooseLab } from "../lab/open_lab.ts";
import type { GeneratorChoice, LoadGenerator } from "../load/load.ts";
import { checkLoadOptions, chooseGenerator } from "../load/start_load.ts";
import {
  type Environment,
  type Measured,
  type Repetition,
  type Results,
  type Run,
  SCHEMA,
  type UntilPlan,
} from "../results/results.ts";
import type { RunOptions, ScenarioPlan } from "../scenario/plan.ts";
import { type Overrides, resolveScenario } from "../scenario/resolve.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { readEnvironment } from "./environment.ts";
import { measureRepetition, type Progress, type RepetitionContext } from "./repetition.ts";
import { isPrecise, randomSeed, selfCheckOf, shuffledRounds } from "./rounds.ts";

/** Repetitions of each run unless more are asked for: the least with which three comparisons can all show a difference. */
export const DEFAULT_REPEAT = 5;

/** How a scenario is measured. */
export interface MeasureOptions extends Overrides {
  /** What the results call the scenario. Default `script`. */
  readonly name?: string | undefined;
  /** Repetitions of each run, at least 1: all of them, or the least of them with `until`. Default 5. */
  readonly repeat?: number | undefined;
  /** Goes on after `repeat` until the comparisons are precise enough. Default: it does not. */
  readonly until?: UntilPlan | undefined;
  /** What the order is drawn with, a whole number of 32 bits. Default: drawn itself. */
  readonly seed?: number | undefined;
  /** Measures the baseline under two names in place of the runs: an A/A check. Default false. */
  readonly selfCheck?: boolean | undefined;
  /** Where it is measured. Default `auto`: a private lab where one can be had, else the machine's own loopback. */
  readonly lab?: LabKind | "auto" | LabChoice | undefined;
  /** What makes the load. Default `auto`: wrk where it is installed, else autocannon; the open loop for a load with a rate. */
  readonly generator?: LoadGenerator | "auto" | undefined;
  /** What changes the machine's own sysctls in a host lab; without it they stay as they are. */
  readonly hostSysctls?: HostSysctls | undefined;
  /** The command line that measures this again, for the report. Default: that of the script. */
  readonly command?: string | undefined;
}

/** A bench, ready to run: everything is checked and decided. */
export interface BenchPlan {
  /** What is measured. */
  readonly scenario: ScenarioPlan;
  /** Repetitions of each run: all of them, or the least of them with `until`. */
  readonly repeat: number;
  /** When to stop by precision; `null` for not at all. */
  readonly until: UntilPlan | null;
  /** What the order is drawn with. */
  readonly seed: number;
  /** Whether the two runs are one configuration under two names. */
  readonly selfCheck: boolean;
  /** The kind of lab for every repetition. */
  readonly lab: LabChoice;
  /** What drives every load. */
  readonly generator: GeneratorChoice;
  /** What changes the machine's own sysctls in a host lab. */
  readonly hostSysctls: HostSysctls | undefined;
  /** The command line that measures this again. */
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

/** What measures a run once. It throws when it cannot, and leaves nothing behind. */
export type Measure = (options: RunOptions, context: RepetitionContext) => Promise<Measured>;

/** How a bench runs. */
export interface BenchOptions extends BenchObserver {
  /** Ends the bench: what was measured so far is returned, marked as interrupted. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
  /** What measures a run once. Default: {@linkcode measureRepetition}, in a lab. */
  readonly measure?: Measure | undefined;
  /** Where it is measured. Default: read from the lab and the machine. */
  readonly environment?: Environment | undefined;
}

/**
 * Measures a scenario and returns its results.
 *
 * The runs take turns: in each round every run is measured once, in an order drawn anew, so that a machine that drifts does so
 * under all of them. A repetition that fails stands in the results as failed, and the others go on.
 *
 * @throws {TimewaitError} for a scenario that cannot be measured as asked; its `field` names the option.
 */
export async function runScenario(
  scenario: Scenario,
  options: MeasureOptions & BenchOptions = {},
): Promise<Results> {
  return await runBench(await planBench(scenario, options), options);
}

/**
 * Decides on everything that a scenario leaves open, and checks whether it can be measured as asked. Measures nothing.
 *
 * @throws {TimewaitError} when it cannot; its `field` names the option.
 */
export async function planBench(scenario: Scenario, options: MeasureOptions = {}): Promise<BenchPlan> {
  const { name = "script", repeat = DEFAULT_REPEAT, until = null, seed = randomSeed() } = options;
  const { selfCheck = false, lab = "auto", generator = "auto", command = scriptCommand() } = options;
  const resolved = resolveScenario(scenario, name, options);
  const plan = selfCheck ? selfCheckOf(resolved) : resolved;
  const rate = plan.runs.some((run) => run.options.load.ratePerSec !== undefined);
  const chosen = await chooseGenerator(generator, { rate });
  for (const { options } of plan.runs) {
    checkLoadOptions(chosen.name, options.load);
    await checkFileLimit(options.load.connections, { throughGateway: options.gateway !== null });
  }
  return {
    scenario: plan,
    repeat,
    until,
    seed,
    selfCheck,
    lab: typeof lab === "string" ? await chooseLab(lab) : lab,
    generator: chosen,
    hostSysctls: options.hostSysctls,
    command,
  };
}

function scriptCommand(): string {
  return `deno run ${Deno.mainModule.replace("file://", "")}`;
}

/** Runs a bench as planned. */
export async function runBench(plan: BenchPlan, options: BenchOptions = {}): Promise<Results> {
  const { signal = new AbortController().signal, measure = measureRepetition } = options;
  const { scenario, repeat, lab, generator, hostSysctls } = plan;
  const runs = scenario.runs.map((run) => ({ ...run, repetitions: [] as Repetition[] }));
  const environment = options.environment ?? await readEnvironment(lab, generator);
  const results = { ...openResults(plan, environment, runs), interrupted: false };
  await options.onResults?.(results);

  const context = { lab: lab.kind, generator: generator.name, signal, hostSysctls };
  const firstStartedMs = performance.now();
  const rounds = shuffledRounds(runs, plan.seed);
  for (let round = 0; !signal.aborted && wantsRound(results, plan, round, firstStartedMs); round++) {
    const total = Math.max(repeat, round + 1) * runs.length;
    for (const [i, run] of rounds.next().value.entries()) {
      const at = { done: round * runs.length + i, total, run: run.name, repetition: round + 1 };
      options.onProgress?.(at);
      const onProgress = (load: Progress) => options.onProgress?.({ ...at, load });
      try {
        run.repetitions.push(await measure(run.options, { ...context, firstStartedMs, onProgress }));
      } catch (error) {
        if (!signal.aborted) run.repetitions.push({ failed: messageOf(error) });
      }
      if (signal.aborted) break;
      options.onRepetition?.(run.name, round + 1, run.repetitions.at(-1)!);
      await options.onResults?.(results);
    }
  }
  results.interrupted = signal.aborted;
  await options.onResults?.(results);
  return results;
}

/** The document as it is before anything is measured. */
function openResults(plan: BenchPlan, environment: Environment, runs: readonly Run[]): Results {
  const { scenario: { name, question, expectation }, repeat, until, seed, selfCheck, command } = plan;
  return {
    schema: SCHEMA,
    scenario: name,
    question,
    expectation,
    command,
    startedAt: new Date().toISOString(),
    seed,
    method: { repeat, until, ...(selfCheck ? { selfCheck } : {}) },
    environment,
    interrupted: false,
    runs,
  };
}

/** Whether another round is to be measured: up to `repeat` always, then while time is left and precision is not had. */
function wantsRound(
  results: Results,
  { repeat, until }: BenchPlan,
  round: number,
  firstStartedMs: number,
): boolean {
  if (round < repeat) return true;
  if (until === null || performance.now() - firstStartedMs >= until.maxTimeMs) return false;
  return !isPrecise(results, until.width);
}

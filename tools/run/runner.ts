/**
 * The runner: measures every run of a scenario as often as asked, in turns, and keeps the results document.
 *
 * @module
 */

import { pathOf, TOOLS } from "../paths.ts";
import { quoteForShell } from "../scenario/placeholders.ts";
import { messageOf, TimewaitError } from "../errors.ts";
import { checkFileLimit } from "../lab/file_limit.ts";
import type { HostSysctls } from "../lab/machine_knobs.ts";
import { checkKnobNames } from "../lab/knob_names.ts";
import type { LabChoice, LabKind } from "../lab/lab.ts";
import { chooseLab } from "../lab/open_lab.ts";
import type { GeneratorChoice, LoadGenerator } from "../load/load.ts";
import { checkLoadOptions, chooseGenerator } from "../load/start_load.ts";
import { checkProgram } from "../parties/gateway_program.ts";
import {
  type Environment,
  type Measured,
  type Repetition,
  type Results,
  type Run,
  SCHEMA,
  type UntilPlan,
} from "../results/results.ts";
import { hiderOf, maskSecrets } from "../scenario/mask.ts";
import type { GatewayPlan, RunOptions, ScenarioPlan } from "../scenario/plan.ts";
import { type Overrides, resolveScenario } from "../scenario/resolve.ts";
import type { Load, Scenario } from "../scenario/scenario.ts";
import { parseKnobs } from "../scenario/sysctls.ts";
import { defaultRepetitions } from "../verdict/comparison.ts";
import { readEnvironment } from "./environment.ts";
import { measureRepetition, type Progress, type RepetitionContext } from "./repetition.ts";
import { isPrecise, randomSeed, selfCheckOf, shuffledRounds } from "./rounds.ts";

/** How a scenario is measured. */
export interface MeasureOptions extends Overrides {
  /** What the results call the scenario. Default `script`. */
  readonly name?: string | undefined;
  /**
   * Repetitions of each run, at least 1; with `until` the fewest. Default 6 to 8, more where more than six
   * runs are compared: see {@linkcode defaultRepetitions}.
   */
  readonly repeat?: number | undefined;
  /** Measures further rounds after `repeat`, until the comparisons are precise enough. Default: none. */
  readonly until?: UntilPlan | undefined;
  /** Seed of the order in which runs take turns, a whole number of 32 bits. Default: drawn at random. */
  readonly seed?: number | undefined;
  /** Measures the baseline under two names instead of the runs: an A/A check. Default false. */
  readonly selfCheck?: boolean | undefined;
  /**
   * Where it is measured. Default `auto`: a private lab where one can be had, else the machine's own
   * loopback.
   */
  readonly lab?: LabKind | "auto" | LabChoice | undefined;
  /**
   * What makes the load. Default `auto`: wrk where it is installed, else autocannon; the open loop for a load
   * with a rate.
   */
  readonly generator?: LoadGenerator | "auto" | undefined;
  /** What changes the machine's own sysctls in a host lab. Without it they stay as they are. */
  readonly hostSysctls?: HostSysctls | undefined;
  /** The command line that measures this again, for the report. Default: the one that runs the script. */
  readonly command?: string | undefined;
}

/** A bench, ready to run: everything is checked and decided. */
export interface BenchPlan {
  /** What is measured. */
  readonly scenario: ScenarioPlan;
  /** Repetitions of each run; with `until` the fewest. */
  readonly repeat: number;
  /** The precision at which to stop after `repeat` rounds; `null` to stop there in any case. */
  readonly until: UntilPlan | null;
  /** Seed of the order in which runs take turns. */
  readonly seed: number;
  /** Whether the two runs are one configuration under two names: an A/A check. */
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
  /** Rounds in all, as far as they are known: those beyond `repeat` are added one by one. */
  readonly rounds: number;
  /** The name of the run under way. */
  readonly run: string;
  /** Which repetition of that run is under way, counted from 1; this is also the number of the round. */
  readonly repetition: number;
  /** The names of the runs that are over in this round. */
  readonly ended: readonly string[];
  /** What the load under way does; `undefined` while its parties start. */
  readonly load?: Progress;
}

/** Who is told of a bench under way. */
export interface BenchObserver {
  /** Called when a repetition starts, and then twice a second while its load runs. */
  onProgress?(progress: BenchProgress): void;
  /** Called before the first repetition and after each, with all that has been measured. */
  onResults?(results: Results): Promise<void>;
  /** Called with each repetition once it is over. An interrupted one is not reported. */
  onRepetition?(run: string, repetition: number, result: Repetition): void;
}

/** Measures a run once. It throws when it cannot, and leaves nothing running. */
export type Measure = (options: RunOptions, context: RepetitionContext) => Promise<Measured>;

/** How a bench runs. */
export interface BenchOptions extends BenchObserver {
  /**
   * Ends the bench early: what was measured so far is returned, marked as interrupted. Default: nothing ends
   * it.
   */
  readonly signal?: AbortSignal | undefined;
  /** What measures a run once. Default: {@linkcode measureRepetition}, in a lab. */
  readonly measure?: Measure | undefined;
  /** Describes where the bench runs. Default: read from the lab and the machine. */
  readonly environment?: Environment | undefined;
}

/**
 * Measures a scenario and returns its results.
 *
 * The runs take turns: each round measures every run once, in a new random order, so that a drift of the
 * machine meets all of them alike. A repetition that fails stands in the results as failed, and the bench
 * goes on.
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
 * Decides on everything that a scenario leaves open, and checks whether it can be measured as asked. Measures
 * nothing.
 *
 * @throws {TimewaitError} when it cannot; its `field` names the option.
 */
export async function planBench(scenario: Scenario, options: MeasureOptions = {}): Promise<BenchPlan> {
  const { name = "script", until = null, seed = randomSeed() } = options;
  const { selfCheck = false, lab = "auto", generator = "auto", command = scriptCommand() } = options;
  const resolved = resolveScenario(scenario, name, options);
  const plan = selfCheck ? selfCheckOf(resolved) : resolved;
  const repeat = options.repeat ?? defaultRepetitions(plan.runs.length - 1, { until: until !== null });
  const chosen = await chooseGenerator(generator, { rate: haveRate(plan) });
  const checks: ((run: RunOptions) => void | Promise<void>)[] = [
    ({ load }) => checkLoadOptions(chosen.name, load),
    ({ load, gateway }) => checkFileLimit(load.connections, { throughGateway: gateway !== null }),
  ];
  for (const check of checks) {
    for (const { options: run } of plan.runs) {
      try {
        await check(run);
      } catch (error) {
        if (!(error instanceof TimewaitError) || error.field === undefined) throw error;
        const index = resolved.runs.findIndex(({ options }) => options === run);
        const field = loadField(error.field as keyof Load, scenario, index, options.load);
        throw new TimewaitError(error.problem, { field, cause: error });
      }
    }
  }
  for (const { options: { gateway, sysctls } } of plan.runs) {
    if (gateway !== null && "command" in gateway) checkProgram(gateway.command);
    await checkKnobNames(parseKnobs(sysctls));
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

/**
 * Whether the runs have a rate.
 *
 * @throws {TimewaitError} where some have one and others do not, because one generator drives all runs of a
 * scenario.
 */
function haveRate({ runs }: ScenarioPlan): boolean {
  const without = runs.filter(({ options }) => options.load.ratePerSec === undefined);
  if (without.length === 0) return true;
  if (without.length === runs.length) return false;
  throw new TimewaitError(
    `is needed by ${
      without[0]!.name
    } as well: figures of an open loop are not compared with those of a closed one`,
    { field: "rate" },
  );
}

/**
 * Where an option of a run's load was given: over the scenario, in the run itself, or for all runs of the
 * scenario.
 */
function loadField(name: keyof Load, { runs }: Scenario, index: number, overrides: Load = {}): string {
  const isOwn = overrides[name] === undefined && runs[index]?.load?.[name] !== undefined;
  return isOwn ? `runs[${index}].load.${name}` : `load.${name}`;
}

/** The command that runs the script again, which may stand in any folder. */
function scriptCommand(): string {
  const [config, script] = [new URL("../deno.json", TOOLS), new URL(Deno.mainModule)].map((url) => {
    return quoteForShell(pathOf(url) ?? url.href);
  });
  return `deno run --config ${config} --allow-run --allow-read --allow-env --allow-sys ${script}`;
}

/** What a shell says of a program that is not there (127) or may not be run (126). */
const NOT_THERE = /^the gateway ended before it listened: .*\bexit code 12[67]\)?$/s;

/** Runs a bench as planned. */
export async function runBench(plan: BenchPlan, options: BenchOptions = {}): Promise<Results> {
  const { signal = new AbortController().signal, measure = measureRepetition } = options;
  const { scenario, repeat, lab, generator, hostSysctls } = plan;
  const hide = hiderOf(scenario.runs.flatMap(({ options }) => textsOf(options)));
  // The load and the gateway get the options as they are; the document never holds them.
  const measured = scenario.runs.map((run) => ({ ...run, repetitions: [] as Repetition[] }));
  const runs = measured.map((run) => ({ ...run, options: maskOptions(run.options) }));
  const environment = options.environment ?? await readEnvironment(lab, generator);
  const results = {
    ...openResults({ ...plan, command: maskSecrets(hide(plan.command)) }, environment, runs),
    interrupted: false,
  };
  const keep = async () => await unlessGivenUp(options.onResults?.(results), signal);
  await keep();

  const context = { lab: lab.kind, generator: generator.name, signal, hostSysctls };
  const firstStartedMs = performance.now();
  const rounds = shuffledRounds(measured, plan.seed);
  // Runs whose gateway no later round can start, and what the first one said.
  const hopeless = new Map<string, string>();
  for (let round = 0; !signal.aborted && wantsRound(results, plan, round, firstStartedMs); round++) {
    if (round >= repeat && hopeless.size === runs.length) break;
    const ended: string[] = [];
    for (const run of rounds.next().value) {
      const at = {
        rounds: Math.max(repeat, round + 1),
        run: run.name,
        repetition: round + 1,
        ended: [...ended],
      };
      options.onProgress?.(at);
      const given = hopeless.get(run.name);
      if (given !== undefined) {
        run.repetitions.push({ failed: given });
        ended.push(run.name);
        continue;
      }
      const onProgress = (load: Progress) => options.onProgress?.({ ...at, load });
      try {
        run.repetitions.push(await measure(run.options, { ...context, firstStartedMs, onProgress }));
      } catch (error) {
        if (!signal.aborted) {
          const reason = hide(messageOf(error));
          const failed = NOT_THERE.test(reason) ? `${reason}; it is not tried again` : reason;
          if (failed !== reason) hopeless.set(run.name, failed);
          run.repetitions.push({ failed });
        }
      }
      if (signal.aborted) break;
      ended.push(run.name);
      options.onRepetition?.(run.name, round + 1, run.repetitions.at(-1)!);
      await keep();
    }
  }
  results.interrupted = signal.aborted;
  await keep();
  return results;
}

/** The texts of a run's options that may hold secrets. */
function textsOf({ load, gateway }: RunOptions): string[] {
  return [...load.headers, ...(gateway !== null && "command" in gateway ? [gateway.command] : [])];
}

/** The options as the document keeps them: whatever reads it, reports among them, learns no secret. */
function maskOptions(options: RunOptions): RunOptions {
  const { load, gateway } = options;
  const masked: GatewayPlan | null = gateway !== null && "command" in gateway
    ? { command: maskSecrets(gateway.command) }
    : gateway;
  return {
    ...options,
    gateway: masked,
    load: { ...load, headers: load.headers.map((line) => maskSecrets(line)) },
  };
}

/** How long an interrupted bench still waits for its results to be written, in milliseconds. */
const WRITE_LIMIT_MS = 3_000;

/**
 * Waits until the results are written. A pipe that nobody reads holds that up for ever, so a bench that is
 * interrupted waits {@linkcode WRITE_LIMIT_MS} and no longer.
 *
 * @throws {Error} when they are not written by then.
 */
async function unlessGivenUp(written: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  const givenUp = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    const error = new Error(
      `interrupted, and the results were not written within ${WRITE_LIMIT_MS / 1000} s`,
    );
    timer = setTimeout(() => givenUp.reject(error), WRITE_LIMIT_MS);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([written, givenUp.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** The results document before anything is measured. */
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

/**
 * Whether to measure another round: always up to `repeat`, then as long as time is left and a comparison is
 * not precise enough.
 */
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

/**
 * The runner: measures every run of a scenario as often as asked, in turns, and keeps the results document.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import {
  type Environment,
  type Measured,
  type Repetition,
  type Results,
  type Run,
  SCHEMA,
} from "../results/results.ts";
import { isDecided } from "../verdict/documents.ts";
import { LAST_LOOK } from "../verdict/looks.ts";
import type { QuietSeen } from "../observe/until_quiet.ts";
import { hiderOf, maskSecrets } from "../scenario/mask.ts";
import type { RunOptions } from "../scenario/plan.ts";
import { readEnvironment } from "./environment.ts";
import { type Machines, openMachines } from "./machines.ts";
import { measureRepetition, type Progress, type RepetitionContext } from "./repetition.ts";
import { isPrecise, shuffledRounds } from "./rounds.ts";

import type { BenchPlan } from "./bench_plan.ts";
import { maskOptions, textsOf } from "./masked_options.ts";

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
  /**
   * TIME_WAITs of an earlier load that have to go first, on given hosts. Left out where nothing is waited
   * for.
   */
  readonly waitsFor?: number;
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
  /**
   * Given hosts that are connected already, which stay so. Default: the bench connects to those of its plan.
   */
  readonly machines?: Machines | undefined;
  /** Describes where the bench runs. Default: read from the lab and the machine. */
  readonly environment?: Environment | undefined;
}

/** What a shell says of a program that is not there (127) or may not be run (126). */
const NOT_THERE = /^the (?:gateway|backend) ended before it listened: .*\bexit code 12[67]\)?$/s;

/** Runs a bench as planned. */
export async function runBench(plan: BenchPlan, options: BenchOptions = {}): Promise<Results> {
  const { signal = new AbortController().signal, measure = measureRepetition } = options;
  const { scenario, repeat, lab, generator, hostSysctls } = plan;
  const { hosts } = scenario;
  const prefixes = hosts === undefined ? [] : [...hosts.client, hosts.gateway ?? "", hosts.backend ?? ""];
  const hide = hiderOf([...scenario.runs.flatMap(({ options }) => textsOf(options)), ...prefixes]);
  // The load and the gateway get the options as they are; the document never holds them.
  const measured = scenario.runs.map((run) => ({ ...run, repetitions: [] as Repetition[] }));
  const runs = measured.map((run) => ({ ...run, options: maskOptions(run.options) }));
  await using opened = options.machines === undefined ? await machinesOf(plan, options) : undefined;
  const machines = options.machines ?? opened;
  const environment = options.environment ??
    await readEnvironment(lab, machines?.generator ?? generator, machines);
  const results = {
    ...openResults({ ...plan, command: maskSecrets(hide(plan.command)) }, environment, runs),
    interrupted: false,
  };
  const keep = async () => await unlessGivenUp(options.onResults?.(results), signal);
  await keep();

  const context = { lab: lab.kind, machines, generator: generator.name, signal, hostSysctls };
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
      const onWait = ({ timeWait }: QuietSeen) => options.onProgress?.({ ...at, waitsFor: timeWait });
      try {
        run.repetitions.push(await measure(run.options, { ...context, firstStartedMs, onProgress, onWait }));
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

/** Connects to the hosts of a plan; `undefined` for a lab of our own, and where something else measures. */
export async function machinesOf(
  { scenario: { hosts, runs }, generator, push = false }: BenchPlan,
  { measure, signal }: Pick<BenchOptions, "measure" | "signal">,
): Promise<Machines | undefined> {
  if (hosts === undefined || measure !== undefined) return undefined;
  return await openMachines({
    hosts,
    runs: runs.map(({ options }) => options),
    generator: generator.name,
    push,
    signal,
  });
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
  const { scenario: { name, question, expectation }, repeat, until, decide, seed, selfCheck, command } = plan;
  return {
    schema: SCHEMA,
    scenario: name,
    question,
    expectation,
    command,
    startedAt: new Date().toISOString(),
    seed,
    method: {
      repeat,
      until,
      ...(decide === undefined ? {} : { decide }),
      ...(selfCheck ? { selfCheck } : {}),
    },
    environment,
    interrupted: false,
    runs,
  };
}

/**
 * Whether to measure another round: always up to `repeat`, then as long as time is left and a comparison is
 * not precise enough, or something is not decided.
 */
function wantsRound(
  results: Results,
  { repeat, until, decide }: BenchPlan,
  round: number,
  firstStartedMs: number,
): boolean {
  if (round < repeat) return true;
  const maxTimeMs = until?.maxTimeMs ?? decide?.maxTimeMs ?? 0;
  if (performance.now() - firstStartedMs >= maxTimeMs) return false;
  if (until !== null) return !isPrecise(results, until.width);
  return round < LAST_LOOK && !isDecided(results);
}

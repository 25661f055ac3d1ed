/**
 * Decides on everything that a scenario leaves open, before anything is measured.
 *
 * @module
 */

import { pathOf, TOOLS } from "../paths.ts";
import { quoteForShell } from "../scenario/placeholders.ts";
import { TimewaitError } from "../errors.ts";
import { checkFileLimit } from "../lab/file_limit.ts";
import type { HostSysctls } from "../lab/machine_knobs.ts";
import { checkKnobNames } from "../lab/knob_names.ts";
import type { LabChoice, LabKind } from "../lab/lab.ts";
import { chooseLab } from "../lab/open_lab.ts";
import type { GeneratorChoice, LoadGenerator } from "../load/load.ts";
import { checkLoadOptions, chooseGenerator } from "../load/start_load.ts";
import { checkProgram } from "../parties/gateway_program.ts";
import { type UntilPlan } from "../results/results.ts";
import type { RunOptions, ScenarioPlan } from "../scenario/plan.ts";
import { type Overrides, resolveScenario } from "../scenario/resolve.ts";
import type { Load, Scenario } from "../scenario/scenario.ts";
import { parseKnobs } from "../scenario/sysctls.ts";
import { defaultRepetitions } from "../verdict/comparison.ts";
import { randomSeed, selfCheckOf } from "./rounds.ts";

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
  for (const { options: { gateway, backend, sysctls } } of plan.runs) {
    if (gateway !== null && "command" in gateway) checkProgram(gateway.command);
    if (backend.command !== undefined) checkProgram(backend.command, "backend");
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

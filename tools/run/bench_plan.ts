/**
 * Decides on everything that a scenario leaves open, before anything is measured.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { pathOf, TOOLS } from "../paths.ts";
import { quoteForShell } from "../scenario/placeholders.ts";
import { TimewaitError } from "../errors.ts";
import { checkFileLimit } from "../lab/file_limit.ts";
import type { HostSysctls } from "../lab/machine_knobs.ts";
import { checkKnobNames } from "../lab/knob_names.ts";
import { checkKnobValues } from "../lab/knob_values.ts";
import type { LabChoice, LabKind } from "../lab/lab.ts";
import { chooseLab } from "../lab/open_lab.ts";
import type { GeneratorChoice, LoadGenerator } from "../load/load.ts";
import { checkLoadOptions, chooseGenerator } from "../load/start_load.ts";
import { checkProgram } from "../parties/gateway_program.ts";
import { type DecidePlan, type UntilPlan } from "../results/results.ts";
import type { RunOptions, ScenarioPlan } from "../scenario/plan.ts";
import { type Overrides, resolveScenario } from "../scenario/resolve.ts";
import type { FindPlan } from "../scenario/find.ts";
import type { Load, Scenario } from "../scenario/scenario.ts";
import { sweepPlan } from "../scenario/sweep.ts";
import { parseKnobs } from "../scenario/sysctls.ts";
import { defaultRepetitions } from "../verdict/comparison.ts";
import { parseGate } from "../verdict/gate.ts";
import { FIRST_LOOK, LAST_LOOK } from "../verdict/looks.ts";
import { runsToFind, stepOf } from "./find_steps.ts";
import { randomSeed, selfCheckOf } from "./rounds.ts";
import { findOf, needWrk, sweepOf, type VariationOptions } from "./variation.ts";

/** How a scenario is measured. */
export interface MeasureOptions extends Overrides, VariationOptions {
  /** What the results call the scenario. Default `script`. */
  readonly name?: string | undefined;
  /**
   * Repetitions of each run, at least 1; with `until` or `decide` the fewest. Default 6 to 8, more where more
   * than six runs are compared: see {@linkcode defaultRepetitions}.
   */
  readonly repeat?: number | undefined;
  /** Measures further rounds after `repeat`, until the comparisons are precise enough. Default: none. */
  readonly until?: UntilPlan | undefined;
  /**
   * Looks after each round and stops once the repetitions have shown what is asked: that each of the gates
   * holds or fails, or without gates that each comparison with the baseline differs. At most 60 rounds.
   * Default: it does not look.
   */
  readonly decide?: DecidePlan | undefined;
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
  /** Whether wrk is copied to given clients that have none, for the time of the bench. Default false. */
  readonly push?: boolean | undefined;
  /** The command line that measures this again, for the report. Default: the one that runs the script. */
  readonly command?: string | undefined;
}
/** A bench, ready to run: everything is checked and decided. */
export interface BenchPlan {
  /** What is measured. */
  readonly scenario: ScenarioPlan;
  /** Repetitions of each run; with `until` or `decide` the fewest. */
  readonly repeat: number;
  /** The precision at which to stop after `repeat` rounds; `null` to stop there in any case. */
  readonly until: UntilPlan | null;
  /** What a bisection looks for. Left out for a bench that compares. */
  readonly find?: FindPlan;
  /** What to decide before the bench stops after `repeat` rounds. Left out to stop there in any case. */
  readonly decide?: DecidePlan;
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
  /** Whether wrk is copied to given clients that have none. Left out: it is not. */
  readonly push?: boolean;
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
  const { name = "script", until = null, decide, seed = randomSeed() } = options;
  const { selfCheck = false, lab = "auto", generator = "auto", command = scriptCommand() } = options;
  const { sweep: _, ...resolved } = resolveScenario(scenario, name, options);
  const sweep = sweepOf(scenario, options);
  const find = findOf(resolved, options);
  const plan = selfCheck ? selfCheckOf(resolved) : find === undefined ? sweepPlan(resolved, sweep) : resolved;
  const swept = plan.runs.some(({ swept }) => swept !== undefined);
  if (decide !== undefined) checkDecide(decide, { until, repeat: options.repeat, runs: plan.runs.length });
  if (decide !== undefined && (find !== undefined || selfCheck)) {
    throw new TimewaitError(
      `is for comparisons, and ${selfCheck ? "a self-check" : "a bisection"} decides by itself when it ends`,
      { field: "decide" },
    );
  }
  const byDefault = decide !== undefined
    ? FIRST_LOOK
    : swept && until === null
    ? SWEEP_REPETITIONS
    : defaultRepetitions(plan.runs.length - 1, { until: until !== null });
  const repeat = find === undefined ? options.repeat ?? byDefault : 1;
  const rate = find === undefined ? haveRate(plan) : find.name === "ratePerSec";
  const { hosts } = plan;
  const chosen = hosts === undefined
    ? await chooseGenerator(generator, { rate })
    : generatorThere(generator, { rate });
  if (find?.name === "connections") needWrk(chosen);
  if (find?.name === "connections" && (hosts?.client.length ?? 1) > 1) {
    throw new TimewaitError("of connections needs all of them to send at once, which is for one client", {
      field: "find",
    });
  }
  if (find?.name === "connections" && hosts !== undefined && hosts.gateway === undefined) {
    throw new TimewaitError("of connections counts those that the gateway opens: give its host as well", {
      field: "find",
    });
  }
  const measured = find === undefined
    ? plan.runs
    : runsToFind(plan.runs, find).map((run) => stepOf(run, find, find.high));
  const checks: ((run: RunOptions) => void | Promise<void>)[] = [
    ({ load }) => checkLoadOptions(chosen.name, load),
    ...(hosts === undefined
      ? [
        ({ load, gateway }: RunOptions) =>
          checkFileLimit(load.connections, { throughGateway: gateway !== null }),
      ]
      : []),
  ];
  for (const check of checks) {
    for (const { options: run } of measured) {
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
  for (const { options } of plan.runs) {
    const { gateway, backend, sysctls } = options;
    const index = resolved.runs.findIndex((run) => run.options === options);
    if (hosts === undefined && gateway !== null && "command" in gateway) {
      checkProgram(gateway.command, `runs[${index}].gateway.command`);
    }
    if (hosts === undefined && backend.command !== undefined) checkProgram(backend.command, "backend");
    await checkKnobNames(parseKnobs(sysctls));
  }
  const where = await labOf(lab, hosts);
  if (where.kind === "private") {
    const different = Map.groupBy(plan.runs, ({ options }) => JSON.stringify(options.sysctls ?? {}));
    for (const [run] of different.values()) await checkKnobValues(parseKnobs(run!.options.sysctls));
  }
  return {
    scenario: plan,
    repeat,
    until,
    ...(find === undefined ? {} : { find }),
    ...(decide === undefined ? {} : { decide }),
    seed,
    selfCheck,
    lab: where,
    generator: chosen,
    hostSysctls: options.hostSysctls,
    ...(options.push ? { push: true } : {}),
    command,
  };
}

/**
 * The lab of a bench: given hosts, where a scenario has some.
 *
 * @throws {TimewaitError} where another lab is asked for beside them.
 */
async function labOf(
  asked: NonNullable<MeasureOptions["lab"]>,
  hosts: ScenarioPlan["hosts"],
): Promise<LabChoice> {
  const kind = typeof asked === "string" ? asked : asked.kind;
  if (hosts !== undefined) {
    if (typeof asked !== "string" || asked === "auto" || asked === "remote") return { kind: "remote" };
    throw new TimewaitError(`cannot be ${asked} beside hosts that are given: leave it out`, { field: "lab" });
  }
  if (kind === "remote") {
    throw new TimewaitError("cannot be remote without hosts: give them in the scenario", { field: "lab" });
  }
  return typeof asked === "string" ? await chooseLab(kind) : asked;
}

/**
 * The load generator on given hosts, whose version is found out there.
 *
 * @throws {TimewaitError} for autocannon, which is not looked for there.
 */
function generatorThere(
  asked: LoadGenerator | "auto",
  { rate }: { readonly rate: boolean },
): GeneratorChoice {
  if (asked === "autocannon") {
    throw new TimewaitError("cannot be autocannon on hosts that are given: wrk makes the load there", {
      field: "generator",
    });
  }
  const name = asked === "open-loop" || (asked === "auto" && rate) ? "open-loop" : "wrk";
  return { name, version: name === "wrk" ? "of unknown version" : config.version };
}

/**
 * Repetitions of a sweep where nothing else is asked for: enough for an interval at each value, which a curve
 * is made of, and not for a test of each value.
 */
const SWEEP_REPETITIONS = 5;

/**
 * Refuses a bench that is to decide and cannot.
 *
 * @throws {TimewaitError} which says why.
 */
function checkDecide(
  { gates = [] }: DecidePlan,
  { until, repeat = FIRST_LOOK, runs }: {
    readonly until: UntilPlan | null;
    readonly repeat: number | undefined;
    readonly runs: number;
  },
): void {
  if (until !== null) {
    throw new TimewaitError("says when to stop, and so does a precision: give one of them", {
      field: "decide",
    });
  }
  if (repeat > LAST_LOOK) {
    throw new TimewaitError(`is at most ${LAST_LOOK} in a bench that decides, not ${repeat}`, {
      field: "repeat",
    });
  }
  for (const gate of gates) parseGate(gate, "decide.gates");
  if (runs === 1 && gates.length === 0) {
    throw new TimewaitError("has nothing to decide: there is one run, and no gate", { field: "decide" });
  }
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

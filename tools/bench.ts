/**
 * The main job: measures scenarios and prints a Markdown report that compares their runs.
 *
 * As a script: `deno task bench [SCENARIO…]`. As a module: {@linkcode runScenario} and {@linkcode renderReport}.
 *
 * @module
 */

import {
  CANNOT_TELL,
  didYouMean,
  listFlag,
  type Main,
  mainOf,
  messageOf,
  type Options,
  parseBytes,
  parseChoice,
  parseDurationMs,
  parseText,
  parseWhole,
  printError,
  runAsScript,
  switchFlag,
  UsageError,
  valueFlag,
} from "./cli/command_line.ts";
import { GATEWAY_FLAGS, gatewaysOf, gatewayWords } from "./cli/gateway_flags.ts";
import { chooseLab } from "./lab/start_lab.ts";
import { parseSysctl } from "./lab/knobs.ts";
import { chooseGenerator } from "./load/start_load.ts";
import { largestDivisor } from "./load/wrk.ts";
import { type RepetitionDurations, showProgress, standardError } from "./run/progress.ts";
import { renderReport } from "./report/report.ts";
import { writePage, writeReport } from "./report/report_files.ts";
import { isMeasured, measuredOf, type Results } from "./results/results.ts";
import { reasonOf, writeResults } from "./results/write.ts";
import { selfCheckResult } from "./verdict/self_check.ts";
import { REPEAT_FLAGS, repeatPlanOf, repeatWords } from "./cli/repeat_flags.ts";
import { selfCheckOf } from "./run/rounds.ts";
import { type BenchPlan, checkPlan, runScenario } from "./run/runner.ts";
import { prepareHostSysctls } from "./sysctl.ts";
import { type BackendPlan, DEFAULT_LOAD, type LoadPlan, type Scenario, withGateways } from "./scenario/scenario.ts";

const DEFAULT_SCENARIO = "undersized_pool";
const SCENARIOS = new URL("../scenarios/", import.meta.url);
const QUICK_DURATION_MS = 4_000;

const FLAGS = {
  list: switchFlag("list the scenarios and end"),
  quick: switchFlag("one repetition of 4 s for each run: a first look, without uncertainty"),
  connections: valueFlag("N", "connections that the load keeps open", parseWhole(1), undefined),
  threads: valueFlag("N", "threads of wrk (default: at most 2)", parseWhole(1), undefined),
  duration: valueFlag("DURATION", "of each repetition's load (default: 4s)", parseDurationMs, undefined),
  warmUp: valueFlag(
    "DURATION",
    "the same load before it, which does not count; 0 for none (default: 1s)",
    parseDurationMs,
    undefined,
  ),
  rate: valueFlag(
    "N",
    "an open loop: N requests a second, evenly spaced, sent whether or not those before were answered",
    parseWhole(1),
    undefined,
  ),
  timeout: valueFlag(
    "DURATION",
    "an answer slower than this counts as failed (default: 2s)",
    parseDurationMs,
    undefined,
  ),
  ...REPEAT_FLAGS,
  latency: valueFlag("DURATION", "that the backend adds to each answer", parseDurationMs, undefined),
  bodyBytes: valueFlag("SIZE", "of each answer's body", parseBytes, undefined),
  status: valueFlag("N", "of each answer", parseWhole(200, 599), undefined),
  script: valueFlag("FILE", "a Lua script for wrk", parseText, undefined),
  header: listFlag("HEADER", 'a request header, "Name: value"', parseText),
  ...GATEWAY_FLAGS,
  sysctl: listFlag(
    "KEY=VALUE",
    "set a sysctl on the gateway, or with client: or backend: before it on that host",
    parseSysctl,
  ),
  allowHostSysctl: switchFlag("let --lab host change this machine's own sysctls; puts them back, needs root"),
  lab: valueFlag(
    "KIND",
    "auto, private or host (default: auto)",
    parseChoice(["auto", "private", "host"]),
    "auto",
  ),
  load: valueFlag(
    "NAME",
    "auto, wrk or autocannon (default: auto)",
    parseChoice(["auto", "wrk", "autocannon"]),
    "auto",
  ),
  json: valueFlag(
    "FILE",
    "write the results document; - prints it in place of the report",
    parseText,
    undefined,
  ),
  out: valueFlag("DIR", "write report.md, its plots and results.json there", parseText, undefined),
  html: valueFlag("FILE", "write the report as one page with interactive plots", parseText, undefined),
};

/**
 * The command's entry point. Exit code 0 measured, 1 a run could not be measured or a self-check raised a false alarm,
 * 2 bad usage, 3 a self-check with too few repetitions to raise one, 130 interrupted.
 */
export const main: Main = mainFor();

/** The entry point of `bench`; with a scenario, that of the scenario's own file. */
export function mainFor(scenario?: Scenario): Main {
  return mainOf({
    name: scenario === undefined ? "bench" : `bench ${scenario.name}`,
    summary: scenario?.question ??
      "Measures scenarios and prints a Markdown report that compares their runs.",
    ...(scenario === undefined ? { positionals: "[SCENARIO…]" } : {}),
    flags: FLAGS,
    examples: [
      "deno task bench --quick",
      "deno task bench undersized_pool --connections 500 --latency 20ms --out out",
      "deno task bench --transport net-http --max-idle-conns 100 --max-idle-conns-per-host 200",
      "deno task bench --gateway './my-gateway --listen {listen} --upstream {upstream}'",
    ],
    run: (options, names, signal) => bench(options, names, signal, scenario),
  });
}

type BenchOptions = Options<typeof FLAGS>;

async function bench(
  options: BenchOptions,
  names: string[],
  signal: AbortSignal,
  own?: Scenario,
): Promise<number> {
  if (options.list) return await listScenarios();
  const scenarios = own === undefined ? await loadScenarios(names) : [own];
  const load = loadOf(options);
  const gateways = gatewaysOf(options);
  if ((options.json ?? options.html) !== undefined && scenarios.length > 1) {
    throw new UsageError(
      `${
        options.json === undefined ? "--html" : "--json"
      } takes the results of one scenario; --out DIR keeps those of each in a folder of its own`,
    );
  }
  const lab = await chooseLab(options.lab);
  const sysctls = Object.fromEntries(options.sysctl);
  await using hostSysctls = await prepareHostSysctls(lab, options.allowHostSysctl);

  const plans = await Promise.all(scenarios.map(async (scenario, i): Promise<BenchPlan> => {
    const given = withGateways(scenario, gateways);
    const rate = load.ratePerSec ?? scenario.load?.ratePerSec;
    return {
      scenario: options.selfCheck ? selfCheckOf(given) : given,
      selfCheck: options.selfCheck,
      load: threadsFor(scenario, load),
      backend: backendOf(options),
      sysctls,
      hostSysctls,
      ...repeatPlanOf(options, options.quick),
      lab,
      generator: await chooseGenerator(options.load, { rate: rate !== undefined }),
      command: commandLine(names[i] ?? scenario.name, options),
    };
  }));
  for (const plan of plans) await checkPlan(plan);
  let exitCode = 0;
  for (const [i, plan] of plans.entries()) {
    const directory = options.out === undefined || plans.length === 1
      ? options.out
      : `${options.out}/${scenarios[i]!.name}`;
    exitCode = Math.max(exitCode, await measure(plan, options.json, directory, options.html, signal));
    if (signal.aborted) break;
  }
  return exitCode;
}

/** Measures one scenario, writes what was asked for, and returns the exit code. */
async function measure(
  plan: BenchPlan,
  json: string | undefined,
  directory: string | undefined,
  html: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const kept = [json === "-" ? undefined : json, directory && `${directory}/results.json`].filter((path) =>
    path !== undefined
  );
  await createDirectory(directory);
  let unwritten: unknown;
  let opened = false;
  const onResults = async (results: Results) => {
    for (const path of kept) {
      await writeResults(path, results).catch((error) => {
        if (!opened) throw error;
        unwritten = error;
      });
    }
    if (!opened && html !== undefined) await writePage(html, results);
    opened = true;
  };
  const durations = durationsOf(plan);
  sayHowLong(plan, durations);
  const results = await runScenario(plan, signal, { ...showProgress(standardError, durations), onResults });

  const report = renderReport(results);
  await print(json === "-" ? JSON.stringify(results) : report);
  if (directory !== undefined) {
    await writeReport(directory, results).catch((error) => unwritten ??= error);
  }
  if (html !== undefined) await writePage(html, results).catch((error) => unwritten ??= error);
  if (unwritten !== undefined) printError(unwritten);
  if (results.interrupted) return 130;
  const failed = results.runs.some((run) =>
    !run.repetitions.every(isMeasured) || measuredOf(run).length === 0
  );
  if (failed || unwritten !== undefined) return 1;
  const check = selfCheckResult(results)?.verdict;
  return check === "false alarm" ? 1 : check === "cannot tell" ? CANNOT_TELL : 0;
}

/** What a repetition takes besides its load, in milliseconds: a lab, its parties, and a last look at the sockets. */
const BESIDE_LOAD_MS = 700;

/** How long each repetition of a plan is expected to take. */
function durationsOf({ scenario, load }: BenchPlan): RepetitionDurations {
  const { durationMs, warmUpMs } = { ...DEFAULT_LOAD, ...scenario.load, ...load };
  return { durationMs, besideMs: warmUpMs + BESIDE_LOAD_MS };
}

/** Says how long a bench of more than a minute takes, for who has to wait for it. */
function sayHowLong(
  { scenario, repeat, until }: BenchPlan,
  { durationMs, besideMs }: RepetitionDurations,
): void {
  const minutes = scenario.runs.length * repeat * (durationMs + besideMs) / 60_000;
  if (minutes < 1) return;
  const least = until === undefined ? "about" : "at least";
  console.error(
    `${scenario.name}: ${scenario.runs.length} runs, ${repeat} times each: ${least} ${
      minutes.toFixed(1)
    } min`,
  );
}

/** Writes to standard output. A reader that has gone away, such as `head`, is no error. */
async function print(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
  try {
    for (let written = 0; written < bytes.length;) {
      written += await Deno.stdout.write(bytes.subarray(written));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw new Error(`standard output: ${messageOf(error)}`);
  }
}

async function createDirectory(directory: string | undefined): Promise<void> {
  if (directory === undefined) return;
  try {
    await Deno.mkdir(directory, { recursive: true });
  } catch (cause) {
    throw new Error(`--out ${directory} cannot be made: ${reasonOf(cause)}`, { cause });
  }
}

function loadOf(options: BenchOptions): Partial<LoadPlan> {
  const durationMs = options.duration ?? (options.quick ? QUICK_DURATION_MS : undefined);
  return {
    ...(options.connections === undefined ? {} : { connections: options.connections }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(options.warmUp === undefined ? {} : { warmUpMs: options.warmUp }),
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    ...(options.rate === undefined ? {} : { ratePerSec: options.rate }),
    ...(options.script === undefined ? {} : { script: options.script }),
    ...(options.header.length === 0 ? {} : { headers: options.header }),
  };
}

/** Threads that were not asked for are as many as divide the connections. */
function threadsFor(scenario: Scenario, load: Partial<LoadPlan>): Partial<LoadPlan> {
  if (load.threads !== undefined || load.connections === undefined) return load;
  return {
    ...load,
    threads: largestDivisor(load.connections, scenario.load?.threads ?? DEFAULT_LOAD.threads),
  };
}

function backendOf(options: BenchOptions): Partial<BackendPlan> {
  return {
    ...(options.latency === undefined ? {} : { latencyMs: options.latency }),
    ...(options.bodyBytes === undefined ? {} : { bodyBytes: options.bodyBytes }),
    ...(options.status === undefined ? {} : { status: options.status }),
  };
}

/** The command line that measures a scenario again. Where the output went is left out. */
function commandLine(scenario: string, options: BenchOptions): string {
  const words = ["deno", "task", "bench", scenario];
  if (options.quick) words.push("--quick");
  const add = (flag: string, value: string | number | undefined) => {
    if (value !== undefined) words.push(flag, String(value));
  };
  const inMs = (ms: number | undefined) => ms === undefined ? undefined : `${ms}ms`;
  add("--connections", options.connections);
  add("--threads", options.threads);
  add("--duration", inMs(options.duration));
  add("--warm-up", inMs(options.warmUp));
  add("--timeout", inMs(options.timeout));
  add("--rate", options.rate);
  words.push(...repeatWords(options));
  add("--latency", inMs(options.latency));
  add("--body-bytes", options.bodyBytes);
  add("--status", options.status);
  add("--script", options.script);
  for (const header of options.header) add("--header", header);
  words.push(...gatewayWords(options));
  for (const [name, value] of options.sysctl) add("--sysctl", `${name}=${value}`);
  if (options.allowHostSysctl) words.push("--allow-host-sysctl");
  if (options.lab !== "auto") add("--lab", options.lab);
  if (options.load !== "auto") add("--load", options.load);
  return words.map(quote).join(" ");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The scenarios of the given names, or paths of scenario files; without any, the default one. */
async function loadScenarios(names: readonly string[]): Promise<Scenario[]> {
  const known = await scenarioNames();
  const wanted = names.length === 0 ? [DEFAULT_SCENARIO] : names;
  return await Promise.all(wanted.map((name) => {
    if (known.includes(name)) return importScenario(new URL(`${name}.ts`, SCENARIOS).href);
    if (name.endsWith(".ts")) return importScenarioFile(name);
    throw new UsageError(
      `there is no scenario ${name}${didYouMean(name, known) || `; known are ${known.join(", ")}`}`,
    );
  }));
}

async function importScenarioFile(path: string): Promise<Scenario> {
  await Deno.stat(path).catch((cause) => {
    throw new UsageError(`${path} is no scenario: ${reasonOf(cause)}`, { cause });
  });
  return await importScenario(new URL(path, `file://${Deno.cwd()}/`).href);
}

async function importScenario(url: string): Promise<Scenario> {
  let module: { scenario?: Scenario };
  try {
    module = await import(url);
  } catch (cause) {
    throw new UsageError(`${url} is no scenario: ${messageOf(cause)}`, { cause });
  }
  if (module.scenario === undefined) {
    throw new UsageError(`${url} is no scenario: it does not export "scenario"`);
  }
  return module.scenario;
}

async function scenarioNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(SCENARIOS)) {
    if (entry.isFile && entry.name.endsWith(".ts")) names.push(entry.name.slice(0, -".ts".length));
  }
  return names.sort();
}

async function listScenarios(): Promise<number> {
  for (const scenario of await loadScenarios(await scenarioNames())) {
    const note = scenario.name === DEFAULT_SCENARIO ? " (default)" : "";
    console.log(`${scenario.name}${note}: ${scenario.question}`);
  }
  return 0;
}

if (import.meta.main) runAsScript(main);

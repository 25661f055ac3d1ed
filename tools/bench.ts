/**
 * The main job: measures scenarios and prints a Markdown report that compares their runs.
 *
 * @module
 */

import {
  BENCH_FLAG_GROUPS,
  BENCH_FLAGS,
  type BenchFlags,
  commandOf,
  FLAGS_OF_WRK,
  flagsWithoutEffect,
  sysctlsOf,
} from "./cli/bench_flags.ts";
import {
  type Call,
  CANNOT_TELL,
  flagOf,
  isGiven,
  type Main,
  mainOf,
  printError,
  printOutput,
  runAsScript,
  whileSignalsEnd,
} from "./cli/command_line.ts";
import { backendOf } from "./cli/backend_flags.ts";
import { requireRuns, withProducts } from "./cli/findings_flags.ts";
import { amongGateways, openCheckouts } from "./cli/checkout_flags.ts";
import { gatewaysOf } from "./cli/gateway_flags.ts";
import { HOST_FLAGS, placesOf, scenarioOfHosts } from "./cli/host_flags.ts";
import { loadOf } from "./cli/load_flags.ts";
import { repeatOptionsOf } from "./cli/repeat_flags.ts";
import { sweepOptionsOf } from "./cli/sweep_flags.ts";
import { exitCodeOf, worstExitCode } from "./cli/gate_flags.ts";
import { showControls, terminalSafeJson, TimewaitError, UnavailableError } from "./errors.ts";
import type { LabChoice } from "./lab/lab.ts";
import { prepareHostSysctls } from "./lab/machine_knobs.ts";
import { chooseLab } from "./lab/open_lab.ts";
import { predictRuns } from "./predict/mod.ts";
import { openOutputs, type OutputPlaces } from "./report/outputs.ts";
import { renderReport } from "./report/report.ts";
import { renderGates } from "./report/sections/gates.ts";
import { isMeasured, measuredOf, type Results } from "./results/results.ts";
import { announce, durationsOf, runsToSumUp, showProgress, standardError } from "./run/progress.ts";
import { type BenchPlan, type MeasureOptions, planBench } from "./run/bench_plan.ts";
import { runPlan } from "./run/find.ts";
import { type LoadedScenario, loadScenario, scenarioNames } from "./scenario/load_scenario.ts";
import { type NamedGateway, replaceGateways } from "./scenario/replace_gateways.ts";
import { notWatched } from "./scenario/resolve_hosts.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { besideBaseline, checkDocuments } from "./verdict/documents.ts";
import { renderFindings } from "./verdict/findings_document.ts";
import { applyGates, requireWatched } from "./verdict/gate_runs.ts";
import { selfCheckResult } from "./verdict/self_check.ts";

const DEFAULT_SCENARIO = "undersized_pool";
const QUICK_DURATION_MS = 4_000;

/**
 * The command's entry point. Exit code 0 measured, 1 a run could not be measured, a self-check raised a
 * false alarm or a gate fails, 2 bad usage, 3 a self-check or a gate of which the repetitions cannot tell,
 * 130 interrupted. Of several scenarios the worst counts, in the order 0, 3, 1, 130.
 */
export const main: Main = mainOf({
  name: "bench",
  summary: "Measures scenarios and prints a Markdown report that compares their runs.",
  positionals: "[SCENARIO | FILE.ts]…",
  flags: BENCH_FLAGS,
  groups: BENCH_FLAG_GROUPS,
  examples: [
    "deno task bench --quick",
    "deno task bench undersized_pool --connections 500 --latency 20ms --out out",
    "deno task bench --transport net-http --max-idle-conns 100 --max-idle-conns-per-host 200",
    "deno task bench port_exhaustion --gateway 'mine=./my-gateway --listen {listen} --upstream {upstream}'",
    "deno task bench --gate 'pool-1000:requestsPerSec>=-30%'",
    "deno task bench --sweep connections=50..1000",
    "deno task bench --find rate --slo 'p99<=200ms,errors<=0.1%'",
    "deno task bench --predict",
    "deno task bench --decide --gate 'pool-1000:requestsPerSec>=-60%'",
    "deno task bench --checkout main --decide --gate 'requestsPerSec>=-5%'",
    "deno task bench ./my_scenario.ts",
    "deno task bench --host client='ssh load1' --host client='ssh load2' --host gateway='ssh gw1' --url http://gw1:8080/",
  ],
  foreignFlags: FLAGS_OF_WRK,
  run: bench,
});

async function bench(flags: BenchFlags, call: Call): Promise<number> {
  if (flags.list) return await listScenarios(call);
  const places = placesOf(flags);
  const alone = call.positionals.length === 0 && places.hosts !== undefined;
  const names = call.positionals.length === 0 ? [DEFAULT_SCENARIO] : call.positionals;
  const scenarios = alone
    ? [scenarioOfHosts(places)]
    : await whileSignalsEnd(call.signal, () => Promise.all(names.map((name) => loadScenario(name, places))));
  refuseBesideHosts(flags, scenarios);
  const outputs = outputsOf(flags, scenarios);
  const lab: LabChoice = scenarios.every(({ scenario }) => scenario.hosts !== undefined)
    ? { kind: "remote" }
    : await chooseLab(flags.lab);
  await using hostSysctls = await prepareHostSysctls(lab, {
    allowHostSysctl: flags.allowHostSysctl,
    tell: (line) => console.error(showControls(line)),
  });
  await using checkouts = await openCheckouts(flags.checkout, call.words, call.signal);
  const plans = await Promise.all(
    scenarios.map((loaded, i) =>
      planOf(loaded, flags, checkouts.gateways, {
        lab,
        hostSysctls,
        push: flags.push,
        command: commandOf(alone ? undefined : names[i]!, call.words, Deno.cwd()),
      })
    ),
  );
  for (const line of flagsWithoutEffect(flags, { lab: lab.kind, generator: plans[0]!.generator.name })) {
    console.error(`note: ${line}`);
  }
  for (const { scenario: { runs, hosts } } of plans) {
    if (hosts !== undefined) requireWatched(flags.gate, notWatched(hosts));
    requireRuns(flags.product, runs.map(({ name }) => name));
    applyGates(flags.gate, besideBaseline({ runs: runs.map((run) => ({ ...run, repetitions: [] })) }));
  }
  let exitCode = 0;
  for (const [i, plan] of plans.entries()) {
    exitCode = worstExitCode([exitCode, await measure(plan, outputs[i]!, flags, call.signal)]);
    if (call.signal.aborted) break;
  }
  return exitCode;
}

/**
 * The plan of a scenario under the flags. An error in what no flag has said is the scenario's, and names it.
 */
async function planOf(
  { name, scenario }: LoadedScenario,
  flags: BenchFlags,
  checkouts: readonly NamedGateway[],
  given: Pick<MeasureOptions, "lab" | "hostSysctls" | "push" | "command">,
): Promise<BenchPlan> {
  const options = {
    name,
    ...overridesOf(flags),
    ...repeatOptionsOf(flags, flags.gate),
    ...sweepOptionsOf(flags),
    generator: flags.load,
    ...given,
  };
  try {
    return await planBench(askedOf(scenario, flags, checkouts), options);
  } catch (error) {
    if (!(error instanceof TimewaitError) || error instanceof UnavailableError) throw error;
    if (error.field === undefined) throw error;
    // The gateways of the command line have taken the place of the scenario's.
    if (flags.gateway.length > 0 && /\.gateway\.command$/.test(error.field)) {
      throw new TimewaitError(error.problem, { field: "gateway", cause: error });
    }
    if (isGiven(error.field, BENCH_FLAGS, flags)) throw error;
    // Machines of the command line lack what a flag can say.
    if (flags.host.length > 0 && Object.hasOwn(HOST_FLAGS, error.field.replace(/^hosts$/, "host"))) {
      throw error;
    }
    const field = flagOf(error.field, BENCH_FLAGS) ?? error.field;
    throw new TimewaitError(`${name}.ts: ${field} ${error.problem}`, { cause: error });
  }
}

/**
 * The scenario, asked of the gateways that the flags describe.
 *
 * @throws {TimewaitError} where a self-check would measure none of them.
 */
function askedOf(scenario: Scenario, flags: BenchFlags, checkouts: readonly NamedGateway[]): Scenario {
  const own = gatewaysOf(flags);
  // The flags of a gateway of ours are for all checkouts, this one among them.
  const gateways = checkouts.length === 0 ? own : [...checkouts, ...flags.gateway];
  const replaced = replaceGateways(scenario, gateways);
  const asked = checkouts.length === 0 ? replaced : amongGateways(replaced);
  const { baseline = asked.runs[0]!.name } = asked;
  const direct = asked.runs.some((run) => run.name === baseline && run.gateway === undefined);
  if (flags.selfCheck && direct && gateways.length > 0) {
    throw new TimewaitError(
      `measures the baseline under two names, here ${baseline}, and no gateway: leave the gateway out`,
      { field: "selfCheck" },
    );
  }
  return asked;
}

function overridesOf(flags: BenchFlags) {
  const duration = flags.duration ?? (flags.quick ? QUICK_DURATION_MS : undefined);
  const { connections, threads, warmUp, timeout, rate, script, header } = flags;
  const { burst, requestMethod, requestBody, abandon, abandonAfter } = flags;
  return {
    load: loadOf({
      connections,
      threads,
      duration,
      warmUp,
      timeout,
      rate,
      script,
      header,
      burst,
      requestMethod,
      requestBody,
      abandon,
      abandonAfter,
    }),
    backend: backendOf(flags),
    backends: flags.backends,
    sysctls: sysctlsOf(flags),
    probeConnects: flags.probeConnects || undefined,
  };
}

/** Refuses what is for a lab of our own, where machines are given. */
function refuseBesideHosts(
  { lab, checkout, push, predict, allowHostSysctl }: BenchFlags,
  scenarios: readonly LoadedScenario[],
): void {
  const given = scenarios.find(({ scenario }) => scenario.hosts !== undefined);
  if (given === undefined) {
    if (push) throw new TimewaitError("copies to machines that are given: add --host", { field: "push" });
    return;
  }
  if (lab !== "auto") {
    throw new TimewaitError(`cannot be ${lab} beside machines that are given: leave it out`, {
      field: "lab",
    });
  }
  if (allowHostSysctl) {
    throw new TimewaitError("is for a host lab, and no knob is written on machines that are given", {
      field: "allowHostSysctl",
    });
  }
  if (predict) {
    throw new TimewaitError(
      "knows the machine of a lab of our own: leave it out beside machines that are given",
      {
        field: "predict",
      },
    );
  }
  if (checkout.length > 0) {
    throw new TimewaitError("measures what is on this machine: leave it out beside machines that are given", {
      field: "checkout",
    });
  }
}

/** Where the output of each scenario goes. */
function outputsOf(
  { json, out, html, findings }: BenchFlags,
  scenarios: readonly LoadedScenario[],
): OutputPlaces[] {
  if (json === "-" && findings === "-") {
    throw new TimewaitError("cannot go to standard output together with --json -", { field: "findings" });
  }
  if (scenarios.length === 1) return [{ json, out, html, findings }];
  const [file] = Object.entries({ json, html, findings }).filter(([, place]) => place !== undefined);
  if (file !== undefined) {
    throw new TimewaitError(
      "takes the results of one scenario; --out DIR keeps those of each in a folder of its own",
      { field: file[0] },
    );
  }
  return scenarios.map(({ name }) => ({ out: out && `${out}/${name}` }));
}

/** Measures one scenario, writes what was asked for, and returns the exit code. */
async function measure(
  plan: BenchPlan,
  places: OutputPlaces,
  { gate: gates, product, predict }: Pick<BenchFlags, "gate" | "product" | "predict">,
  signal: AbortSignal,
): Promise<number> {
  const outputs = await openOutputs(places);
  announce(plan);
  const { onProgress, onRepetition } = showProgress(
    standardError,
    durationsOf(plan),
    runsToSumUp(plan),
  );
  const measured = await runPlan(plan, {
    signal,
    // How long a bisection takes, it decides on its way.
    ...(plan.find === undefined ? { onProgress } : {}),
    onRepetition,
    onResults: (results) => outputs.keep(withProducts(results, product)),
  });
  const results = withProducts(measured, product);
  const predicted = predict && !results.interrupted ? predictRuns(results) : undefined;
  const isData = places.json === "-" || places.findings === "-";
  await printOutput(
    places.json === "-"
      ? terminalSafeJson(results)
      : places.findings === "-"
      ? renderFindings([{ results }])
      : renderReport(results, [], [], predicted),
  );
  const checks = results.interrupted ? [] : checkDocuments(gates, [{ name: results.scenario, results }]);
  const unwritten = await outputs.finish(results, checks, predicted);
  if (unwritten !== undefined) printError(unwritten);
  const code = exitCodeOfBench(results, { written: unwritten === undefined });
  if (results.interrupted) return code;
  const section = renderGates(checks).join("\n");
  if (isData) console.error(section);
  else if (checks.length > 0) await printOutput(`\n${section}\n`);
  return worstExitCode([code, exitCodeOf(checks)]);
}

function exitCodeOfBench(results: Results, { written }: { readonly written: boolean }): number {
  if (results.interrupted) return 130;
  const failed = results.runs.some((run) =>
    !run.repetitions.every(isMeasured) || measuredOf(run).length === 0
  );
  if (failed || !written) return 1;
  const check = selfCheckResult(results)?.verdict;
  return check === "false alarm" ? 1 : check === "cannot tell" ? CANNOT_TELL : 0;
}

async function listScenarios({ words }: Call): Promise<number> {
  if (words.length > 1) {
    throw new TimewaitError("measures nothing: leave the other words out", { field: "list" });
  }
  for (const name of await scenarioNames()) {
    const { scenario } = await loadScenario(name);
    console.log(`${name}${name === DEFAULT_SCENARIO ? " (default)" : ""}: ${scenario.question}`);
  }
  return 0;
}

if (import.meta.main) await runAsScript(main);

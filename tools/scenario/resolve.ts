/**
 * The resolver: checks what a scenario asks for, and fills in every default. Defaults stand here and in
 * {@linkcode resolveGateway} and {@linkcode resolveBackend}, and nowhere else.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { at, lineOf, listOf, nameOf, optionsOf, refuseOthers, shown, textOf, truth, whole } from "./check.ts";
import { resolveRequests } from "./resolve_requests.ts";
import { upstreamsAskedFor } from "./placeholders.ts";
import type { LoadPlan, RunPlan, ScenarioPlan } from "./plan.ts";
import { mergedBackend, resolveBackend } from "./resolve_backend.ts";
import { resolveGateway } from "./resolve_gateway.ts";
import { httpUrl, type Places, resolveHosts, resolvePlaces } from "./resolve_hosts.ts";
import type { Backend, Load, Run, Scenario } from "./scenario.ts";
import { namedKnobs, parseKnobs, type Sysctls } from "./sysctls.ts";
import { type Duration, parseDurationMs } from "./units.ts";

export { resolveBackend, resolveGateway };

/** What a command line or a script asks of every run, over what the scenario says. */
export interface Overrides {
  /** Load options that hold for every run. */
  readonly load?: Load | undefined;
  /** Backend options that hold for every run. */
  readonly backend?: Backend | undefined;
  /** How many backends every run has. */
  readonly backends?: number | undefined;
  /** Sysctls for every run, beside or instead of its own. */
  readonly sysctls?: Sysctls | undefined;
  /** Whether a probe times connects in every run that has a gateway. */
  readonly probeConnects?: boolean | undefined;
}

/**
 * Resolves a scenario. What a run says holds over what its scenario says, and the overrides hold over both;
 * `undefined` says nothing.
 *
 * @param name what it is called: the name of its file.
 * @throws {TimewaitError} which names the field that does not fit, such as `runs[1].gateway.workers`.
 */
export function resolveScenario(scenario: Scenario, name: string, overrides: Overrides = {}): ScenarioPlan {
  if (typeof scenario !== "object" || scenario === null || Array.isArray(scenario)) {
    throw new TimewaitError(
      `a scenario must be an object such as { question: …, runs: […] }, not ${shown(scenario)}`,
    );
  }
  const { question, expectation, runs, baseline, sweep, ...more } = optionsOf(scenario, "");
  const { load, backend, backends, sysctls, probeConnects, hosts, url, backendUrl, ...others } = more;
  const known = {
    ...{ question, expectation, runs, baseline, sweep, hosts, url, backendUrl },
    ...{ load, backend, backends, sysctls, probeConnects },
  };
  refuseOthers(others, known, "");
  if (question === undefined) {
    throw new TimewaitError("is needed: what does the scenario answer?", { field: "question" });
  }
  lineOf(question, "question");
  const shared = { load, backend, backends, sysctls, probeConnects, hosts, url, backendUrl };
  checkShared(shared, "");
  const machines = resolveHosts(hosts);
  for (const [field, value] of Object.entries({ url, backendUrl })) {
    if (value !== undefined) httpUrl(value, field);
  }
  checkShared(overrides, "");
  const all = listOf(runs, "runs") as Run[];
  const names = namesOf(all);
  const compared = baseline === undefined ? names[0]! : nameOf(baseline, "baseline");
  if (!names.includes(compared)) {
    const hint = didYouMean(compared, names) || `; its runs are ${names.join(", ")}`;
    throw new TimewaitError(`is no run of this scenario: ${shown(compared)}${hint}`, { field: "baseline" });
  }
  return {
    name: nameOf(name, "name"),
    question,
    expectation: expectation === undefined || expectation === "" ? "" : textOf(expectation, "expectation"),
    runs: all.map((run, i) => ({
      name: names[i]!,
      baseline: names[i] === compared,
      options: resolveRun(run, shared, overrides, `runs[${i}]`),
    })),
    ...(machines === undefined ? {} : { hosts: machines }),
    ...(sweep === undefined ? {} : { sweep }),
  };
}

/** The names of the runs, each once. */
function namesOf(runs: readonly Run[]): string[] {
  if (runs.length === 0) {
    throw new TimewaitError("is empty: a scenario measures at least one run", { field: "runs" });
  }
  return runs.map((run, i, all) => {
    const field = `runs[${i}].name`;
    const { name } = optionsOf(run ?? null, `runs[${i}]`);
    if (name === undefined) throw new TimewaitError("is needed", { field });
    if (all.slice(0, i).some((other) => other.name === name)) {
      throw new TimewaitError(`is taken: two runs are named ${shown(name)}`, { field });
    }
    return nameOf(name, field);
  });
}

/** Most backends of a run. */
const MOST_BACKENDS = 16;

type Shared = Pick<Scenario, "load" | "backend" | "backends" | "sysctls" | "probeConnects">;

type OfScenario = Shared & Places;

/**
 * Checks what holds for several runs by itself, so that an error names the place where it was said, and not a
 * run that only took it over.
 */
function checkShared({ load, backend, backends, sysctls, probeConnects }: Shared, field: string): void {
  resolveLoad(load, at(field, "load"));
  resolveBackend(backend, at(field, "backend"));
  if (backends !== undefined) whole(backends, at(field, "backends"), 1, MOST_BACKENDS);
  parseKnobs(sysctls, at(field, "sysctls"));
  if (probeConnects !== undefined) truth(probeConnects, at(field, "probeConnects"));
}

function resolveRun(run: Run, shared: OfScenario, overrides: Overrides, field: string): RunPlan["options"] {
  const { name, gateway, url, load, backend, backends, sysctls, loopback, probeConnects, ...others } =
    optionsOf(run, field);
  refuseOthers(
    others,
    { name, gateway, url, load, backend, backends, sysctls, loopback, probeConnects },
    field,
  );
  checkShared(run, field);
  const layers = [shared.load, load].map((layer) => optionsOf(layer, "load"));
  const knobs = namedKnobs(
    [shared.sysctls, sysctls, overrides.sysctls].flatMap((layer) => parseKnobs(layer)),
  );
  const overriding = optionsOf(overrides.load, "load");
  const probes = overrides.probeConnects ?? probeConnects ?? shared.probeConnects ?? false;
  const count = overrides.backends ?? backends ?? shared.backends ?? 1;
  const plan = gateway === undefined ? null : resolveGateway(gateway, at(field, "gateway"));
  if (count > 1 && plan !== null && "transport" in plan && plan.transport === "http-client") {
    throw new TimewaitError(
      'takes one backend with http-client: give several to transport: "net-http", or to a command',
      { field: at(field, "gateway") },
    );
  }
  const asked = plan !== null && "command" in plan ? upstreamsAskedFor(plan.command) : 1;
  if (asked > count) {
    throw new TimewaitError(
      `has {upstream_${asked}}, and the run has ${count === 1 ? "one backend" : `${count} backends`}: ` +
        `ask for ${asked} backends, or leave the placeholder out`,
      { field: at(at(field, "gateway"), "command") },
    );
  }
  const options = {
    gateway: plan,
    backend: resolveBackend(
      backendOn(shared.hosts, mergedBackend([shared.backend, backend, overrides.backend])),
    ),
    ...(count === 1 ? {} : { backends: count }),
    ...(Object.keys(knobs).length === 0 ? {} : { sysctls: knobs }),
    ...(loopback === undefined ? {} : { loopback: truth(loopback, at(field, "loopback")) }),
    ...(probes && gateway !== undefined ? { probeConnects: true } : {}),
  };
  return {
    ...options,
    ...resolvePlaces({ url }, shared, options, field),
    load: resolveLoad({ ...threadsThatDivide(merged(layers), overriding), ...overriding }),
  };
}

/** On hosts that are given a backend of which nothing is said runs already. */
function backendOn(hosts: Scenario["hosts"], backend: Backend): Backend {
  return hosts !== undefined && Object.keys(backend).length === 0 ? { running: true } : backend;
}

/** The layers as one: what a later one gives holds. */
function merged<T extends object>(layers: readonly (T | undefined)[]): T {
  return Object.assign({}, ...layers.map((layer) => optionsOf(layer, "")));
}

/** Threads that a scenario asks for give way to connections that the command line asks for. */
function threadsThatDivide(load: Load, { connections }: Load): Load {
  if (connections === undefined || load.threads === undefined) return load;
  return { ...load, threads: largestDivisor(connections, load.threads) };
}

const MOST_THREADS = 2;

/** More requests a second than one thread can send, many times over. */
const MOST_PER_SEC = 1_000_000;

/**
 * Resolves a load.
 *
 * @throws {TimewaitError} for an option that it does not have, or a value that does not fit.
 */
export function resolveLoad(load?: Load, field = "load"): LoadPlan {
  const { duration = "2s", warmUp = "1s", timeout = "2s", headers = [], script, rate, ...more } = optionsOf(
    load,
    field,
  );
  const { connections = 1000, threads, burst, method, requestBody, abandon, abandonAfter, ...others } = more;
  const ms = (value: Duration, name: string) => parseDurationMs(value, at(field, name));
  whole(connections, at(field, "connections"), 1);
  const plan: LoadPlan = {
    connections,
    threads: threads === undefined
      ? largestDivisor(connections, MOST_THREADS)
      : whole(threads, at(field, "threads"), 1),
    durationMs: ms(duration, "duration"),
    warmUpMs: ms(warmUp, "warmUp"),
    timeoutMs: ms(timeout, "timeout"),
    headers: listOf(headers, at(field, "headers")).map((line, i) => {
      return textOf(line, at(field, `headers[${i}]`));
    }),
    ...(script === undefined ? {} : { script: textOf(script, at(field, "script")) }),
    ...(rate === undefined ? {} : { ratePerSec: whole(rate, at(field, "rate"), 1, MOST_PER_SEC) }),
    ...resolveRequests({ burst, method, requestBody, abandon, abandonAfter }, field),
  };
  const optional = { script, rate, burst, method, requestBody, abandon, abandonAfter };
  refuseOthers(others, { ...plan, ...optional }, field);
  return plan;
}

/**
 * The largest divisor of `connections` that is at most `threads`: how many threads wrk can share them among.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { largestDivisor } from "./resolve.ts";
 *
 * assertEquals(largestDivisor(1000, 12), 10);
 * ```
 */
export function largestDivisor(connections: number, threads: number): number {
  for (let n = Math.min(connections, threads); n > 1; n--) if (connections % n === 0) return n;
  return 1;
}

/**
 * The resolver: checks what a scenario asks for, and fills in every default. The only place where a default
 * stands.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { didYouMean, TimewaitError } from "../errors.ts";
import { resolvePoolLimits } from "../transport/pool/limits.ts";
import { checkPlaceholders } from "./placeholders.ts";
import type {
  BackendPlan,
  CommandPlan,
  GatewayPlan,
  HttpClientPlan,
  LoadPlan,
  NetHttpPlan,
  RunPlan,
  ScenarioPlan,
} from "./plan.ts";
import {
  type Backend,
  type CommandGateway,
  type Gateway,
  type HttpClientGateway,
  type Load,
  type NetHttpGateway,
  type Run,
  type Scenario,
} from "./scenario.ts";
import { namedKnobs, parseKnobs, type Sysctls } from "./sysctls.ts";
import { parseBytes, parseDurationMs } from "./units.ts";

/** What a command line or a script asks of every run, over what the scenario says. */
export interface Overrides {
  /** Load options that hold for every run. */
  readonly load?: Load | undefined;
  /** Backend options that hold for every run. */
  readonly backend?: Backend | undefined;
  /** Sysctls for every run, beside or instead of its own. */
  readonly sysctls?: Sysctls | undefined;
}

/**
 * Resolves a scenario.
 *
 * @param name what it is called: the name of its file.
 * @throws {TimewaitError} which names the field that does not fit, such as `runs[1].gateway.workers`.
 */
export function resolveScenario(scenario: Scenario, name: string, overrides: Overrides = {}): ScenarioPlan {
  const { question, expectation = "", runs, baseline, load, backend, sysctls, probeConnects, ...others } =
    asObject(scenario, "the scenario");
  refuseOthers(others, { question, expectation, runs, baseline, load, backend, sysctls, probeConnects }, "");
  if (typeof question !== "string" || question.trim() === "") {
    throw new TimewaitError("is needed: what does the scenario answer?", { field: "question" });
  }
  if (typeof expectation !== "string") throw new TimewaitError("must be text", { field: "expectation" });
  if (!Array.isArray(runs) || runs.length === 0) {
    throw new TimewaitError("is empty: a scenario measures at least one run", { field: "runs" });
  }
  const names = runs.map((run: Run, i) => {
    const field = `runs[${i}].name`;
    const { name } = asObject(run, `runs[${i}]`);
    if (typeof name !== "string" || name.trim() === "") throw new TimewaitError("is needed", { field });
    return name;
  });
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new TimewaitError(`holds two runs named ${twice}`, { field: "runs" });
  const compared = baseline ?? names[0]!;
  if (!names.includes(compared)) {
    throw new TimewaitError(`${compared} is no run of this scenario${didYouMean(compared, names)}`, {
      field: "baseline",
    });
  }
  const shared = { load, backend, sysctls, probeConnects };
  return {
    name,
    question,
    expectation,
    runs: runs.map((run: Run, i) => resolveRun(run, shared, overrides, { field: `runs[${i}]`, compared })),
  };
}

function resolveRun(
  run: Run,
  shared: Pick<Scenario, "load" | "backend" | "sysctls" | "probeConnects">,
  overrides: Overrides,
  { field, compared }: { readonly field: string; readonly compared: string },
): RunPlan {
  const { name, gateway, load, backend, sysctls, loopback, probeConnects, ...others } = run;
  refuseOthers(others, { name, gateway, load, backend, sysctls, loopback, probeConnects }, field);
  const asked = namedKnobs([
    ...parseKnobs(shared.sysctls ?? {}),
    ...parseKnobs(sysctls ?? {}, at(field, "sysctls")),
    ...parseKnobs(overrides.sysctls ?? {}),
  ]);
  const probes = probeConnects ?? shared.probeConnects ?? false;
  const overridden = given(overrides.load);
  return {
    name,
    baseline: name === compared,
    options: {
      gateway: gateway === undefined ? null : resolveGateway(gateway, at(field, "gateway")),
      backend: resolveBackend(
        { ...given(shared.backend), ...given(backend), ...given(overrides.backend) },
        backend === undefined ? "backend" : at(field, "backend"),
      ),
      load: resolveLoad(
        { ...threadsThatDivide({ ...given(shared.load), ...given(load) }, overridden), ...overridden },
        load === undefined ? "load" : at(field, "load"),
      ),
      ...(Object.keys(asked).length === 0 ? {} : { sysctls: asked }),
      ...(loopback === undefined ? {} : { loopback }),
      ...(probes && gateway !== undefined ? { probeConnects: true } : {}),
    },
  };
}

/** Threads that a scenario asks for give way to connections that the command line asks for. */
function threadsThatDivide(load: Load, { connections }: Load): Load {
  if (connections === undefined || load.threads === undefined) return load;
  return { ...load, threads: largestDivisor(connections, load.threads) };
}

/**
 * Resolves a gateway.
 *
 * @throws {TimewaitError} for an option that it does not have, or a value that does not fit.
 */
export function resolveGateway(gateway: Gateway, field = "gateway"): GatewayPlan {
  asObject(gateway, field);
  if ("command" in gateway) return resolveCommand(gateway, field);
  const { transport = "http-client" } = gateway;
  if (transport === "http-client") return resolveHttpClient(gateway as HttpClientGateway, field);
  if (transport === "net-http") return resolveNetHttp(gateway as NetHttpGateway, field);
  const problem = `takes http-client or net-http, not "${transport}"`;
  throw new TimewaitError(problem, { field: at(field, "transport") });
}

function resolveCommand({ command, ...others }: CommandGateway, field: string): CommandPlan {
  refuseOthers(others, { command }, field);
  checkPlaceholders(command, at(field, "command"));
  return { command };
}

function resolveHttpClient(
  { transport: _, poolMaxIdlePerHost = false, poolIdleTimeout = "90s", workers = 1, ...others }:
    HttpClientGateway,
  field: string,
): HttpClientPlan {
  const plan: HttpClientPlan = {
    transport: "http-client",
    poolMaxIdlePerHost: poolMaxIdlePerHost === false
      ? false
      : whole(poolMaxIdlePerHost, at(field, "poolMaxIdlePerHost")),
    poolIdleTimeoutMs: poolIdleTimeout === false
      ? false
      : parseDurationMs(poolIdleTimeout, at(field, "poolIdleTimeout")),
    workers: whole(workers, at(field, "workers"), 1),
  };
  refuseOthers(others, plan, field);
  return plan;
}

function resolveNetHttp(
  {
    transport: _,
    workers = availableParallelism(),
    idleConnTimeout,
    dialTimeout = "5s",
    responseHeaderTimeout = "60s",
    requestHeaderTimeout = "5s",
    ...limits
  }: NetHttpGateway,
  field: string,
): NetHttpPlan {
  const ms = (value: Parameters<typeof parseDurationMs>[0], name: string) =>
    parseDurationMs(value, at(field, name));
  const { limits: pool, others } = poolLimitsOf(limits, field, {
    idleConnTimeoutMs: idleConnTimeout === undefined ? undefined : ms(idleConnTimeout, "idleConnTimeout"),
  });
  const plan: NetHttpPlan = {
    transport: "net-http",
    ...pool,
    dialTimeoutMs: ms(dialTimeout, "dialTimeout"),
    responseHeaderTimeoutMs: ms(responseHeaderTimeout, "responseHeaderTimeout"),
    requestHeaderTimeoutMs: ms(requestHeaderTimeout, "requestHeaderTimeout"),
    // A worker without a connection could serve nobody.
    workers: Math.min(whole(workers, at(field, "workers"), 1), pool.maxConnsPerHost || Infinity),
  };
  refuseOthers(others, plan, field);
  return plan;
}

/** The limits of the pool, which knows its own defaults, and what is left over. */
function poolLimitsOf(
  given: Record<string, unknown>,
  field: string,
  { idleConnTimeoutMs }: { readonly idleConnTimeoutMs: number | undefined },
) {
  const known = Object.keys(resolvePoolLimits());
  const isLimit = ([name]: [string, unknown]) => known.includes(name) && name !== "idleConnTimeoutMs";
  const limits = Object.fromEntries(Object.entries(given).filter(isLimit));
  const others = Object.fromEntries(Object.entries(given).filter((entry) => !isLimit(entry)));
  try {
    return { limits: resolvePoolLimits({ ...limits, idleConnTimeoutMs }), others };
  } catch (error) {
    if (!(error instanceof TimewaitError)) throw error;
    throw new TimewaitError(error.problem, { field: at(field, error.field!), cause: error });
  }
}

/** The largest response body: the backend keeps it in memory once, and sends it from there. */
const MAX_BODY_BYTES = 256 * 1024 ** 2;

/**
 * Resolves a backend.
 *
 * @throws {TimewaitError} for an option that it does not have, or a value that does not fit.
 */
export function resolveBackend(backend: Backend = {}, field = "backend"): BackendPlan {
  const { latency = 0, bodyBytes = 12, status = 200, ...others } = asObject(backend, field);
  const plan: BackendPlan = {
    latencyMs: parseDurationMs(latency, at(field, "latency")),
    bodyBytes: parseBytes(bodyBytes, at(field, "bodyBytes")),
    status: whole(status, at(field, "status"), 200, 599),
  };
  if (plan.bodyBytes > MAX_BODY_BYTES) {
    throw new TimewaitError(`takes up to 256MiB, not ${bodyBytes}`, { field: at(field, "bodyBytes") });
  }
  refuseOthers(others, plan, field);
  return plan;
}

const MOST_THREADS = 2;

/**
 * Resolves a load.
 *
 * @throws {TimewaitError} for an option that it does not have, or a value that does not fit.
 */
export function resolveLoad(load: Load = {}, field = "load"): LoadPlan {
  const { connections = 1000, duration = "4s", warmUp = "1s", timeout = "2s", ...more } = asObject(
    load,
    field,
  );
  const { threads = largestDivisor(connections, MOST_THREADS), headers = [], script, rate, ...others } = more;
  const ms = (value: Parameters<typeof parseDurationMs>[0], name: string) =>
    parseDurationMs(value, at(field, name));
  const plan: LoadPlan = {
    connections: whole(connections, at(field, "connections"), 1),
    threads: whole(threads, at(field, "threads"), 1),
    durationMs: ms(duration, "duration"),
    warmUpMs: ms(warmUp, "warmUp"),
    timeoutMs: ms(timeout, "timeout"),
    headers: textsOf(headers, at(field, "headers")),
    ...(script === undefined ? {} : { script: textOf(script, at(field, "script")) }),
    ...(rate === undefined ? {} : { ratePerSec: whole(rate, at(field, "rate"), 1) }),
  };
  refuseOthers(others, { script, rate, ...plan }, field);
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

/** The name of an option inside another one; an empty one is no other. */
function at(field: string, name: string): string {
  return field === "" ? name : `${field}.${name}`;
}

/** The options that were given: `undefined` is the default, and must not erase what another one said. */
function given<T extends object>(options: T | undefined): T {
  const entries = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as T;
}

function asObject<T>(value: T, field: string): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TimewaitError(`must be an object, not ${JSON.stringify(value) ?? String(value)}`, { field });
  }
  return value;
}

/** Refuses options that nothing was done with, and names the nearest of those that there are. */
function refuseOthers(others: object, known: object, field: string): void {
  const [unknown] = Object.entries(others).flatMap(([name, value]) => value === undefined ? [] : [name]);
  if (unknown === undefined) return;
  const names = Object.keys(known).map((name) => name.replace(/(Ms|PerSec)$/, ""));
  throw new TimewaitError(`is no option${didYouMean(unknown, names) || `; known are ${names.join(", ")}`}`, {
    field: at(field, unknown),
  });
}

function whole(value: unknown, field: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  if (!(Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new TimewaitError(`must be a whole number ${range}, not ${JSON.stringify(value)}`, { field });
  }
  return value as number;
}

function textOf(value: unknown, field: string): string {
  if (typeof value !== "string" || value === "") {
    throw new TimewaitError(`must be text, not ${JSON.stringify(value)}`, { field });
  }
  return value;
}

function textsOf(value: unknown, field: string): string[] {
  if (!Array.isArray(value)) {
    throw new TimewaitError(`must be a list, not ${JSON.stringify(value)}`, { field });
  }
  return value.map((text, i) => textOf(text, `${field}[${i}]`));
}

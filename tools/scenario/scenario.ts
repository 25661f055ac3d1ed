/**
 * A scenario: a question, the runs that answer it, and which of them is the baseline.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { didYouMean, UsageError } from "../cli/command_line.ts";
import type { Sysctls } from "../lab/knobs.ts";
import { resolvePoolLimits } from "../transport/pool/limits.ts";

/** A gateway of ours over a `Deno.HttpClient`. */
export interface HttpClientPlan {
  /** Selects our gateway on `fetch` and one `Deno.HttpClient`, whose pool has no total limit. */
  readonly transport: "http-client";
  /** Idle connections kept for the backend; 0 keeps none. Default `false`: no limit. */
  readonly poolMaxIdlePerHost?: number | false;
  /** How long an idle connection is kept, in milliseconds; `false` without limit. Default 90 s. */
  readonly poolIdleTimeoutMs?: number | false;
  /** Threads, among which `poolMaxIdlePerHost` is divided. Default 1. */
  readonly workers?: number;
}

/** A gateway of ours on its own connection pool, with the limits of Go's `http.Transport`. */
export interface NetHttpPlan {
  /** Selects our own proxy. */
  readonly transport: "net-http";
  /** Idle connections kept in all; 0 is no limit. Default 100. */
  readonly maxIdleConns?: number;
  /** Idle connections kept for the backend; 0 keeps none. Default 2. */
  readonly maxIdleConnsPerHost?: number;
  /** Connections to the backend, those in use among them; 0 is no limit. Default 0. */
  readonly maxConnsPerHost?: number;
  /** How long an idle connection is kept, in milliseconds; 0 is for ever. Default 90 s. */
  readonly idleConnTimeoutMs?: number;
  /** Uses every connection once. Default false. */
  readonly disableKeepAlives?: boolean;
  /** Threads. Default: one for each core of the gateway's host. */
  readonly workers?: number;
}

/** Any other gateway, as a command line for `sh`. */
export interface CommandPlan {
  /**
   * Must stay in the foreground. Placeholders: `{listen}` and `{upstream}` for `HOST:PORT` and `http://HOST:PORT`;
   * `{listen_host}`, `{listen_port}`, `{upstream_host}`, `{upstream_port}` for their parts.
   */
  readonly command: string;
}

/** What stands between the client and the backend in a run. */
export type GatewayPlan = HttpClientPlan | NetHttpPlan | CommandPlan;

/** One named configuration. */
export interface RunPlan {
  /** Unique in its scenario. */
  readonly name: string;
  /** Left out: the load goes straight at the backend. */
  readonly gateway?: GatewayPlan;
  /** What this run asks for, of the gateway unless a name says otherwise. */
  readonly sysctls?: Sysctls;
  /**
   * `true`: all three hosts are one, which talk over 127.0.0.1. `false`: across the links of the lab, and in a host lab,
   * which has none, the run fails. Default: as the lab is.
   */
  readonly loopback?: boolean;
}

/** What the backend of a scenario does with a request. */
export interface BackendPlan {
  /** Added to each answer, in milliseconds. */
  readonly latencyMs: number;
  /** Size of each answer's body in bytes; 0 is an empty body. */
  readonly bodyBytes: number;
  /** Status of each answer, 200 to 599; 204, 205 and 304 carry no body, whatever `bodyBytes` says. */
  readonly status: number;
}

/** How much load, and for how long. */
export interface LoadPlan {
  /** Connections kept open, each with at most one request in flight: the concurrency a pool must hold. */
  readonly connections: number;
  /** Threads of wrk, which must divide the connections; autocannon uses one, whatever this says. */
  readonly threads: number;
  /** Length of each repetition's load, in milliseconds; whole seconds for wrk. */
  readonly durationMs: number;
  /**
   * How long the same load runs before it counts, in milliseconds; 0 for not at all; whole seconds for wrk. A gateway that
   * compiles itself while it runs, as every JavaScript one does, is slower in its first second than ever after. The
   * TIME_WAITs that it leaves are there when the load begins.
   */
  readonly warmUpMs: number;
  /** An answer slower than this counts as failed, in milliseconds; whole seconds for wrk. */
  readonly timeoutMs: number;
  /** Header lines sent with each request, `Name: value`; empty for none beyond the generator's own. */
  readonly headers: readonly string[];
  /** A Lua script for wrk. */
  readonly script?: string;
  /**
   * Requests that arrive in a second, evenly spaced, whether or not those before were answered: an open loop, whose
   * latencies count from when each was due. Left out, a closed one: each connection waits for its answer.
   */
  readonly ratePerSec?: number;
}

/** Everything that a bench measures to answer one question. */
export interface Scenario {
  /** The name of its file, without `.ts`. */
  readonly name: string;
  /** What it answers, in one sentence; the report's title. */
  readonly question: string;
  /** What its author expects to see; kept in the results, which are not checked against it. */
  readonly expectation: string;
  /** The name of the run that the others are compared with. */
  readonly baseline: string;
  /** At least one, each with a name of its own; measured by turns, starting one further in each round. */
  readonly runs: readonly RunPlan[];
  /** What differs from {@linkcode DEFAULT_LOAD}. */
  readonly load?: Partial<LoadPlan>;
  /** What differs from {@linkcode DEFAULT_BACKEND}. */
  readonly backend?: Partial<BackendPlan>;
  /** Whether a probe on the gateway's host times a connect to the backend 20 times a second. Default `false`. */
  readonly probeConnects?: boolean;
}

/** The load unless the scenario or the command line says otherwise. */
export const DEFAULT_LOAD: LoadPlan = {
  connections: 1000,
  threads: 2,
  durationMs: 4_000,
  warmUpMs: 1_000,
  timeoutMs: 2_000,
  headers: [],
};

/** The backend unless the scenario or the command line says otherwise. */
export const DEFAULT_BACKEND: BackendPlan = { latencyMs: 0, bodyBytes: 12, status: 200 };

/** A gateway's plan with every default filled in. */
export function resolveGatewayPlan(plan: GatewayPlan): GatewayPlan {
  if ("command" in plan) return plan;
  if (plan.transport === "net-http") {
    const limits = resolvePoolLimits(plan);
    // A worker without a connection could serve nobody.
    const workers = Math.min(plan.workers ?? availableParallelism(), limits.maxConnsPerHost || Infinity);
    return { transport: plan.transport, ...limits, workers };
  }
  const { transport, poolMaxIdlePerHost = false, poolIdleTimeoutMs = 90_000, workers = 1 } = plan;
  return { transport, poolMaxIdlePerHost, poolIdleTimeoutMs, workers };
}

/**
 * Checks a scenario.
 *
 * @throws {UsageError} when it has no runs, two of one name, or a baseline that is not among them.
 */
export function checkScenario(scenario: Scenario): void {
  const names = scenario.runs.map((run) => run.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (names.length === 0) throw new UsageError(`scenario ${scenario.name} has no runs`);
  if (twice !== undefined) throw new UsageError(`scenario ${scenario.name} has two runs named ${twice}`);
  if (!names.includes(scenario.baseline)) {
    throw new UsageError(`scenario ${scenario.name} has no run named ${scenario.baseline}, its baseline`);
  }
}

const PLACEHOLDERS = ["listen", "listen_host", "listen_port", "upstream", "upstream_host", "upstream_port"];

/** Refuses a gateway's command that would not learn where to listen, or holds a name of no placeholder. */
function checkPlaceholders(command: string): void {
  const used = [...command.matchAll(/(?<!\$)\{([a-z_]+)\}/g)].map((match) => match[1]!);
  const unknown = used.find((name) => !PLACEHOLDERS.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--gateway has no placeholder {${unknown}}${didYouMean(unknown, PLACEHOLDERS)}`);
  }
  if (!used.some((name) => name.startsWith("listen"))) {
    throw new UsageError(`--gateway must be told where to listen: put {listen} into "${command}"`);
  }
}

/** The name of the program that a command line starts, without its folder. */
function programOf(command: string): string {
  const word = command.trim().split(/\s+/).find((word) => !/^\w+=/.test(word)) ?? "gateway";
  return word.replaceAll(/^.*\/|[^\w.-]/g, "") || "gateway";
}

/**
 * The scenario with other gateways in place of its own: what is measured straight at the backend stays.
 * A run is named for the transport or the program that it starts, with a number where that is not enough.
 */
export function withGateways(scenario: Scenario, gateways: readonly GatewayPlan[]): Scenario {
  if (gateways.length === 0) return scenario;
  const direct = scenario.runs.filter((run) => run.gateway === undefined);
  const taken = new Set(direct.map((run) => run.name));
  const runs = gateways.map((gateway) => {
    if ("command" in gateway) checkPlaceholders(gateway.command);
    const base = "command" in gateway ? programOf(gateway.command) : gateway.transport;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
    taken.add(name);
    return { name, gateway };
  });
  const baseline = direct.some((run) => run.name === scenario.baseline) ? scenario.baseline : runs[0]!.name;
  return { ...scenario, baseline, runs: [...direct, ...runs] };
}

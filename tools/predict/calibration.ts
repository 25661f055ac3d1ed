/**
 * The model of a measured run, and how fast the machine is on which it was measured.
 *
 * @module
 */

import type { Environment, Measured, Run } from "../results/results.ts";
import { measuredOf } from "../results/results.ts";
import type { GatewayPlan } from "../scenario/plan.ts";
import { estimateMedian } from "../verdict/intervals.ts";
import { sysctlsOf } from "../verdict/knobs.ts";
import { portRange } from "../verdict/ports.ts";
import type { Model } from "./model.ts";
import { BACKEND_COST, CLIENT_US, type ProfileName, PROFILES } from "./profiles.ts";
import { DEFAULT_PORTS, modelOf } from "./question.ts";
import { simulate, type Span } from "./simulation.ts";

/** How a gateway works and what its pool keeps. */
export interface KnownGateway {
  /** How it works. */
  readonly profile: ProfileName;
  /** Idle connections that it keeps for the backend; `Infinity` for no limit. */
  readonly perHost: number;
  /** Idle connections that it keeps in all; `Infinity` for no limit. */
  readonly total: number;
  /** Connections to the backend, a hard cap; `Infinity` for no limit. */
  readonly maxConns: number;
  /** How long it keeps one idle, in milliseconds; `Infinity` for ever. */
  readonly idleTimeoutMs: number;
  /** Event loops. */
  readonly workers: number;
}

/** What is known of a gateway of ours by its options; `undefined` for any other. */
export function knownGateway(gateway: GatewayPlan): KnownGateway | undefined {
  if (!("transport" in gateway)) return undefined;
  const { workers = 1 } = gateway;
  if (gateway.transport === "http-client") {
    const { poolMaxIdlePerHost, poolIdleTimeoutMs } = gateway;
    const perHost = poolIdleTimeoutMs === 0
      ? 0
      : poolMaxIdlePerHost === false
      ? Infinity
      : poolMaxIdlePerHost;
    return {
      profile: "http-client",
      perHost,
      total: Infinity,
      maxConns: Infinity,
      idleTimeoutMs: poolIdleTimeoutMs || Infinity,
      workers,
    };
  }
  const { maxIdleConnsPerHost, maxIdleConns, maxConnsPerHost, idleConnTimeoutMs, disableKeepAlives } =
    gateway;
  return {
    profile: "net-http",
    perHost: disableKeepAlives ? 0 : maxIdleConnsPerHost,
    total: maxIdleConns || Infinity,
    maxConns: maxConnsPerHost || Infinity,
    idleTimeoutMs: idleConnTimeoutMs || Infinity,
    workers,
  };
}

/**
 * The model of a run as it was measured, on a machine on which everything takes `slowness` times as long as
 * on that of the profiles.
 */
export function modelOfRun(
  run: Run,
  known: KnownGateway,
  environment: Environment,
  { slowness, beside, bunching }: Conditions,
): Model {
  const { load, backend } = run.options;
  const range = portRange(sysctlsOf(run, environment)[PORT_RANGE]);
  const { profile: gateway, perHost: pool, total: poolTotal, maxConns, idleTimeoutMs, workers } = known;
  const model = modelOf({
    connections: load.connections,
    // The open loop of ours sends at even distances.
    ...(load.ratePerSec === undefined ? {} : { ratePerSec: load.ratePerSec, arrivals: "even" }),
    latencyMs: backend.latencyMs,
    pool,
    poolTotal,
    maxConns,
    idleTimeoutMs,
    workers,
    gateway,
    ports: range?.count ?? DEFAULT_PORTS,
    cpus: environment.cpus,
  });
  return { ...bunched(slowed(model, slowness), bunching), others: beside };
}

/** What a run is simulated under. */
export interface Conditions extends Pick<Calibration, "slowness"> {
  /** CPUs that are used by what is not simulated. */
  readonly beside: number;
  /** Left out: that of the profile. */
  readonly bunching?: Bunching | undefined;
}

const PORT_RANGE = "net.ipv4.ip_local_port_range";

/** A model on a slower machine. */
function slowed(model: Model, by: number): Model {
  const { gateway, backend } = model;
  return {
    ...model,
    clientUs: model.clientUs * by,
    gateway: {
      ...gateway,
      requestUs: gateway.requestUs * by,
      answerUs: gateway.answerUs * by,
      connectUs: gateway.connectUs * by,
    },
    backend: { ...backend, requestUs: backend.requestUs * by, acceptUs: backend.acceptUs * by },
  };
}

/** A model whose batches and pauses are larger or smaller. */
function bunched(model: Model, bunching: Bunching | undefined): Model {
  if (bunching === undefined) return model;
  const { batch, pauseMs } = model.gateway;
  const { factor, pauses, batchSpread } = bunching;
  return {
    ...model,
    gateway: { ...model.gateway, batch: batch * factor, batchSpread, pauseMs: pauseMs * factor * pauses },
  };
}

/** The time that a repetition of a run lasted, for a simulation. */
export function spanOf({ options: { load } }: Run): Span {
  return { untilSec: load.durationMs / 1000, fromSec: 0, pooled: load.warmUpMs > 0 };
}

/** How bunched requests and answers come. */
export interface Bunching {
  /** How many times as large as those of the profile batches are. */
  readonly factor: number;
  /** How many times `factor` as long as those of the profile pauses are. */
  readonly pauses: number;
  /** How batches vary, as in {@linkcode Model}. */
  readonly batchSpread: number | "exponential";
}

/** How a machine was calibrated. */
export interface Calibration {
  /** How many times as long as on the machine of the profiles everything takes. */
  readonly slowness: number;
  /** CPUs that other programs used while the baseline was measured. */
  readonly others: number;
  /**
   * What it was found by. `rate`: with it the simulation of the baseline serves the requests/s that were
   * measured. `CPU time`: of gateway and backend for a request, where the rate of the baseline is that of the
   * latency or of the load and says nothing; of backend and client where the baseline has no gateway.
   * `profile`: by nothing, because the baseline was not measured.
   */
  readonly by: "rate" | "CPU time" | "profile";
  /**
   * The bunchings with which the simulation of the baseline opens what was measured, one for each way in
   * which batches may vary, because one run does not show which of them it is. Left out where the baseline's
   * pool is not overflowed often enough to show any.
   */
  readonly bunchings?: readonly Bunching[];
}

/** Slownesses that are tried: halves of the range until it is this narrow. */
const SLOWNESSES: Range = { least: 0.1, most: 20, precision: 1.01 };

/** Factors of bunching that are tried. */
const FACTORS: Range = { least: 0.05, most: 20, precision: 1.08 };

/**
 * Ways in which requests may be bunched. One run does not show which it is, and each foretells something else
 * of other pools: batches that vary little, batches of which few are far larger than the mean, and long
 * pauses now and then between small batches.
 */
const WAYS = [
  { batchSpread: "exponential", pauses: 1 },
  { batchSpread: 0.5, pauses: 1 },
  { batchSpread: "exponential", pauses: 3 },
] as const;

/** Connections per request beyond which a baseline shows how bunched its requests come. */
const SHOWN = 0.03;

/** Simulations of a baseline at each factor; the middle one counts. */
const FACTOR_SEEDS = [1, 2, 3] as const;

/** A rate this near to that of an infinitely fast machine says nothing of the machine. */
const FREE = 0.85;

/**
 * Calibrates on a run; `undefined` where it was not measured.
 *
 * @param known of the run's gateway; left out for a direct run.
 */
export function calibrate(
  run: Run,
  known: KnownGateway | undefined,
  environment: Environment,
): Calibration | undefined {
  const measured = measuredOf(run);
  if (measured.length === 0) return undefined;
  const median = (of: (repetition: Measured) => number) => estimateMedian(measured.map(of))!.estimate;
  const others = median((repetition) => othersOf(repetition, environment));
  const beside = median((repetition) => besideOf(repetition, run, environment));
  const byCpuTime = known === undefined ? slownessOfParties(median) : slownessOfServers(known, median);
  if (known === undefined) {
    return byCpuTime === undefined ? undefined : { slowness: byCpuTime, others, by: "CPU time" };
  }
  const rate = median(({ requestsPerSec }) => requestsPerSec);
  const churn = median(openedPerRequest);
  const simulated = (conditions: Conditions, seed: number) =>
    simulate(modelOfRun(run, known, environment, conditions), spanOf(run), seed);
  const rateWith = (bunching?: Bunching) => (slowness: number) => {
    const { requests, durationSec } = simulated({ slowness, beside, bunching }, 1);
    return requests / durationSec;
  };
  const findSlowness = (bunching?: Bunching) => {
    const rateAt = rateWith(bunching);
    return run.options.load.ratePerSec !== undefined || rate >= FREE * rateAt(SLOWNESSES.least)
      ? undefined
      : bisect(SLOWNESSES, (slowness) => rateAt(slowness) <= rate);
  };
  const findFactor = (slowness: number, way: Omit<Bunching, "factor">): Bunching => {
    const churnAt = (factor: number) =>
      FACTOR_SEEDS.map((seed) => {
        const { opened, requests } = simulated({ slowness, beside, bunching: { ...way, factor } }, seed);
        return opened / Math.max(1, requests);
      }).sort((a, b) => a - b)[1]!;
    return { factor: bisect(FACTORS, (factor) => churnAt(factor) >= churn), ...way };
  };
  const byRate = findSlowness();
  const by = byRate === undefined ? "CPU time" : "rate";
  const first = byRate ??
    (byCpuTime === undefined ? undefined : Math.min(byCpuTime, bearableSlowness(rateWith(), rate)));
  if (first === undefined) return undefined;
  if (churn < SHOWN) return { slowness: first, others, by };
  // What it opens costs time as well, so that each of the two is found once more with the other.
  const roughly = findFactor(first, WAYS[0]);
  const slowness = by === "rate" ? findSlowness(roughly) ?? first : first;
  return { slowness, others, by, bunchings: WAYS.map((way) => findFactor(slowness, way)) };
}

/**
 * The greatest slowness with which a gateway serves the rate that it has served, and with CPU times that are
 * a fifth longer as well. A thread that is seldom busy needs more CPU time for a request than one that has
 * many at a time, so that CPU times alone would have it overloaded.
 */
function bearableSlowness(rateAt: (slowness: number) => number, rate: number): number {
  return bisect(SLOWNESSES, (slowness) => rateAt(slowness) < SERVED * rate) / SPARE;
}

/** A rate is served from this share of it on; and how much slower a machine may be than it is known to be. */
const SERVED = 0.95, SPARE = 1.2;

/** CPUs that other programs used in a repetition. */
export function othersOf({ machine }: Measured, { cpus }: Environment): number {
  return (machine?.others ?? 0) * cpus;
}

/**
 * CPUs that were used in a repetition by what a simulation has no jobs for: other programs, and the generator
 * of an open loop.
 */
export function besideOf(repetition: Measured, { options: { load } }: Run, environment: Environment): number {
  const generator = load.ratePerSec === undefined
    ? 0
    : repetition.processes.load.cpuSec * 1000 / load.durationMs;
  return othersOf(repetition, environment) + generator;
}

/** Connections that the gateway opened for each request, over the whole load. */
export function openedPerRequest({ hosts, requests }: Measured): number {
  // Nothing is predicted of given hosts, of which alone one may not be watched.
  return (hosts.gateway?.connectionsOpened ?? 0) / Math.max(1, requests);
}

type MedianOf = (of: (repetition: Measured) => number) => number;

/** By the CPU time of backend and client, where there is no gateway. */
function slownessOfParties(median: MedianOf): number | undefined {
  const us = median(({ requests, processes: { backend, load } }) =>
    ((backend?.cpuSec ?? 0) + load.cpuSec) / Math.max(1, requests) * 1e6
  );
  return us === 0 ? undefined : us / (BACKEND_COST.requestUs + CLIENT_US);
}

/** By the CPU time of gateway and backend, for their requests and the connections between them. */
function slownessOfServers({ profile }: KnownGateway, median: MedianOf): number | undefined {
  const { requestUs, answerUs, connectUs } = PROFILES[profile];
  const perRequest = requestUs + answerUs + BACKEND_COST.requestUs;
  const perConnection = connectUs + BACKEND_COST.acceptUs;
  const slowness = median((repetition) => {
    const { requests, processes: { gateway, backend } } = repetition;
    const us = ((gateway?.cpuSec ?? 0) + (backend?.cpuSec ?? 0)) / Math.max(1, requests) * 1e6;
    return us / (perRequest + perConnection * openedPerRequest(repetition));
  });
  return slowness === 0 ? undefined : slowness;
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly precision: number;
}

/** The least value that is enough, by halves. */
function bisect({ least, most, precision }: Range, isEnough: (value: number) => boolean): number {
  let [tooSmall, enough] = [least, most];
  while (enough / tooSmall > precision) {
    const middle = Math.sqrt(enough * tooSmall);
    if (isEnough(middle)) enough = middle;
    else tooSmall = middle;
  }
  return Math.sqrt(enough * tooSmall);
}

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
import { BACKEND_COST, CLIENT_US, type ProfileName } from "./profiles.ts";
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
  if ("command" in gateway) return undefined;
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
  { slowness, others }: Pick<Calibration, "slowness" | "others">,
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
  return { ...slowed(model, slowness), others };
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

/** The time that a repetition of a run lasted, for a simulation. */
export function spanOf({ options: { load } }: Run): Span {
  return { untilSec: load.durationMs / 1000, fromSec: 0, pooled: load.warmUpMs > 0 };
}

/** How a machine was calibrated. */
export interface Calibration {
  /** How many times as long as on the machine of the profiles everything takes. */
  readonly slowness: number;
  /** CPUs that other programs used while the baseline was measured. */
  readonly others: number;
  /**
   * What it was found by. `rate`: with it the simulation of the baseline serves the requests/s that were
   * measured. `CPU time`: of backend and client for a request, where the baseline has no gateway, or its rate
   * is that of the latency and says nothing.
   */
  readonly by: "rate" | "CPU time";
}

/** Slownesses that are tried: halves of the range until it is this narrow. */
const RANGE: readonly [least: number, most: number] = [0.1, 20];
const PRECISION = 1.01;

/** A rate this near to that of an infinitely fast machine says nothing of the machine. */
const FREE = 0.95;

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
  const rate = median(({ requestsPerSec }) => requestsPerSec);
  const others = median(({ machine }) => machine?.others ?? 0) * environment.cpus;
  if (known !== undefined && run.options.load.ratePerSec === undefined) {
    const rateAt = (slowness: number) => {
      const tallied = simulate(modelOfRun(run, known, environment, { slowness, others }), spanOf(run), 1);
      return tallied.requests / tallied.durationSec;
    };
    let [fast, slow] = RANGE;
    if (rate < FREE * rateAt(fast)) {
      while (slow / fast > PRECISION) {
        const middle = Math.sqrt(slow * fast);
        if (rateAt(middle) > rate) fast = middle;
        else slow = middle;
      }
      return { slowness: Math.sqrt(slow * fast), others, by: "rate" };
    }
  }
  const us = median(({ requests, processes: { backend, load } }) =>
    (backend.cpuSec + load.cpuSec) / Math.max(1, requests) * 1e6
  );
  return us === 0
    ? undefined
    : { slowness: us / (BACKEND_COST.requestUs + CLIENT_US), others, by: "CPU time" };
}

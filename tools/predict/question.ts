/**
 * What a prediction is asked, with every default, and the model that it comes to.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { Model } from "./model.ts";
import { BACKEND_COST, CLIENT_US, type ProfileName, PROFILES, SLICE_MS, THINK_US } from "./profiles.ts";

/** The default range of ephemeral ports of Linux, 32768 to 60999. */
export const DEFAULT_PORTS = 28_232;

/** A gateway that has a CPU of its own and a rate to serve is taken to be busy for at most this share. */
const MOST_UTILIZATION = 0.5;

/** What is to be predicted. */
export interface Question {
  /** Connections of the clients to the gateway: in a closed loop the concurrency. */
  readonly connections: number;
  /** Requests a second of an open loop. Default: a closed loop. */
  readonly ratePerSec?: number | undefined;
  /** How the requests of an open loop arrive. Default `poisson`. */
  readonly arrivals?: "even" | "poisson" | undefined;
  /** The load comes for `onMs` and pauses for `offMs`, again and again. Default: no pauses. */
  readonly burst?: { readonly onMs: number; readonly offMs: number } | undefined;
  /** Time until the backend answers, in milliseconds. */
  readonly latencyMs: number;
  /** Share by which the latency is off in either direction, or `exponential`. Default 0. */
  readonly latencySpread?: number | "exponential" | undefined;
  /** Idle connections that are kept for each backend. Default: no limit. */
  readonly pool?: number | undefined;
  /** Idle connections that are kept for all backends. Default: no limit. */
  readonly poolTotal?: number | undefined;
  /** Whether the limits are those of each worker, and not of all together. Default false. */
  readonly poolPerWorker?: boolean | undefined;
  /** Connections to each backend, a hard cap of all workers together. Default: no limit. */
  readonly maxConns?: number | undefined;
  /** Requests that may wait at the hard cap for each backend. Default: no limit. */
  readonly maxPending?: number | undefined;
  /** How long an idle connection is kept, in milliseconds. Default: for ever. */
  readonly idleTimeoutMs?: number | undefined;
  /** Requests after which the gateway closes a connection. Default: no limit. */
  readonly requestLimit?: number | undefined;
  /** Workers of the gateway, each an event loop with connections of its own. Default 1. */
  readonly workers?: number | undefined;
  /** Addresses of backends. Default 1. */
  readonly destinations?: number | undefined;
  /** Ephemeral ports towards each address. Default 28,232. */
  readonly ports?: number | undefined;
  /** Ports towards each address of a NAT that the connections go through. Default: no NAT. */
  readonly natPorts?: number | undefined;
  /** How the gateway works. Default `http-client`. */
  readonly gateway?: ProfileName | undefined;
  /**
   * CPU time of the gateway for a request, in microseconds. Default: that of its profile, and at the rate of
   * an open loop never more than what keeps its workers busy for half of the time.
   */
  readonly gatewayUs?: number | undefined;
  /** CPUs that gateway, backend and clients share. Default: each has its own. */
  readonly cpus?: number | undefined;
  /** What the simulations are drawn with, a whole number of 32 bits. Default 1. */
  readonly seed?: number | undefined;
}

/**
 * The model of a question.
 *
 * @throws {TimewaitError} for a hard cap with fewer connections than workers.
 */
export function modelOf(question: Question): Model {
  const { connections, ratePerSec, latencyMs, workers = 1, destinations = 1, cpus = Infinity } = question;
  const { pool = Infinity, poolTotal = Infinity, maxConns = Infinity, maxPending = Infinity } = question;
  if (maxConns < workers) {
    const problem = `must be at least the ${workers} workers, not ${maxConns}: each needs a connection`;
    throw new TimewaitError(problem, { field: "maxConns" });
  }
  const profile = PROFILES[question.gateway ?? "http-client"];
  const profileUs = profile.requestUs + profile.answerUs;
  const bearableUs = ratePerSec === undefined
    ? Infinity
    : MOST_UTILIZATION * workers * profile.threads * 1e6 / ratePerSec;
  const scale = (question.gatewayUs ?? Math.min(profileUs, bearableUs)) / profileUs;
  const shares = cpus !== Infinity;
  return {
    load: ratePerSec === undefined
      ? { kind: "closed", connections }
      : { kind: "open", ratePerSec, arrivals: question.arrivals ?? "poisson", connections },
    ...(question.burst === undefined ? {} : { burst: question.burst }),
    clientUs: shares ? CLIENT_US : THINK_US,
    clientThreads: shares ? 2 : Infinity,
    gateway: {
      ...profile,
      workers,
      requestUs: profile.requestUs * scale,
      answerUs: profile.answerUs * scale,
      connectUs: profile.connectUs * scale,
      pauseMs: scale === 0 ? 0 : profile.pauseMs,
    },
    pool: {
      perHost: pool,
      total: poolTotal,
      together: question.poolPerWorker !== true,
      idleTimeoutMs: question.idleTimeoutMs ?? Infinity,
      requestLimit: question.requestLimit ?? Infinity,
      maxConns: maxConns === Infinity ? Infinity : Math.floor(maxConns / workers),
      maxPending: maxPending === Infinity ? Infinity : Math.floor(maxPending / workers),
    },
    backend: {
      latencyMs,
      spread: question.latencySpread ?? 0,
      grainMs: shares ? 1 : 0,
      threads: shares ? 1 : Infinity,
      ...BACKEND_COST,
    },
    destinations,
    ports: question.ports ?? DEFAULT_PORTS,
    timeWaitSec: 60,
    cpus,
    others: 0,
    sliceMs: SLICE_MS,
  };
}

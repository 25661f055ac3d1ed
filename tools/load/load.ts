/**
 * What drives the lab: a load generator, what it is told, and what it has counted.
 *
 * @module
 */

import type { Count } from "../figures.ts";
import { type LoadPlan } from "../scenario/plan.ts";
import type { Latency } from "./latency.ts";
import type { LatencyHistogram } from "./latency_histogram.ts";

/** The load generators that Timewait knows. Figures of two are never compared. */
export type LoadGenerator = "wrk" | "autocannon" | "open-loop";

/** What a load generator is told: the load, and where it goes. */
export interface LoadOptions extends Omit<LoadPlan, "warmUpMs"> {
  /** Where every request goes, unless a script for wrk says otherwise: an `http:` URL. */
  readonly url: string;
}

/** What went wrong, each counted once. */
export interface LoadErrors {
  /** Connections that could not be opened. */
  readonly connect: Count;
  /** Reads that failed or ended within an answer. 0 for autocannon, which counts them under `connect`. */
  readonly read: Count;
  /** Requests that could not be written. 0 for autocannon, which counts them under `connect`. */
  readonly write: Count;
  /** Answers that took longer than the timeout. */
  readonly timeout: Count;
  /** Answers with a status other than 2xx and 3xx. */
  readonly status: Count;
}

/** The kinds of {@linkcode LoadErrors}, in the order in which reports name them. */
export const ERROR_KINDS: readonly (keyof LoadErrors)[] = ["connect", "read", "write", "timeout", "status"];

/** All requests that failed: without an answer, with a late one, or with one that says it failed. */
export function failedRequests(errors: LoadErrors): number {
  return ERROR_KINDS.reduce((sum, kind) => sum + errors[kind], 0);
}

/** How the requests of an open loop have arrived. */
export interface Arrivals {
  /** Requests that were due: the rate × the duration. Each is answered or stands in one of the errors. */
  readonly due: Count;
  /** Those among the timeouts that were never sent, because no connection was free in time. */
  readonly unsent: Count;
  /** Those that the generator itself took up more than 10 ms after they were due: it was at its limit. */
  readonly late: Count;
}

/** What a load generator has measured. */
export interface LoadResult {
  /** Answers, whatever their status, those later than the timeout among them; 0 where none came in time. */
  readonly requests: number;
  /** How long the load lasted by the generator's own clock, in seconds; of an open loop how long requests were due. */
  readonly durationSec: number;
  /** `requests` ÷ `durationSec`; 0 where no time has passed. */
  readonly requestsPerSec: number;
  /** Bytes of the answers, their headers included. */
  readonly bytesRead: number;
  /** How long answers took, in microseconds: since the request was sent, in an open loop since it was due. */
  readonly latencyUs: Latency;
  /** All latencies, timeouts left out. */
  readonly latencyHistogram: LatencyHistogram;
  /** What went wrong, in counts; all 0 for a load without a fault. */
  readonly errors: LoadErrors;
  /** Of an open loop; left out of a closed one, in which an answer brings about the next request. */
  readonly arrivals?: Arrivals;
}

/** A load under way. Disposing it ends the generator. */
export interface RunningLoad extends AsyncDisposable {
  /** The generator's process group, for its CPU and memory. */
  readonly processGroup: number;
  /**
   * Resolves when the time is over. The connections are still open then, and stay so until {@linkcode finish}, so
   * that sockets can be looked at as the load has made them. Rejects when the generator fails.
   */
  readonly over: Promise<void>;
  /** Lets the generator close its connections and end, and returns what it has measured. */
  finish(): Promise<LoadResult>;
}

/** Which generator is used, its version, and why it is not wrk. */
export interface GeneratorChoice {
  /** What {@linkcode startLoad} is to start. */
  readonly name: LoadGenerator;
  /** Its version, such as `4.1.0`, of the open loop that of Timewait; `of unknown version` where wrk does not tell. */
  readonly version: string;
  /** For a stand-in that was not asked for: why, and how to install wrk. */
  readonly reason?: string;
}

/**
 * Load generators: what they are told, and what they have counted.
 *
 * @module
 */

import type { Count } from "../figures.ts";
import { type LoadPlan } from "../scenario/plan.ts";
import type { Host } from "../lab/host.ts";
import type { Histogram, Latency } from "./latency.ts";
import type { LatencyHistogram } from "./latency_histogram.ts";

/** The load generators that Timewait knows. Figures of two different ones are never compared. */
export type LoadGenerator = "wrk" | "autocannon" | "open-loop";

/** What a load generator is told: the load, and where it goes. */
export interface LoadOptions extends Omit<LoadPlan, "warmUpMs"> {
  /** Where every request goes, unless a script for wrk says otherwise: an `http:` URL. */
  readonly url: string;
}

/** What went wrong, in counts. Each failure counts once. */
export interface LoadErrors {
  /** Connections that could not be opened. */
  readonly connect: Count;
  /**
   * Answers that could not be read, or broke off. Always 0 for autocannon, which counts them as `connect`.
   */
  readonly read: Count;
  /** Requests that could not be written. Always 0 for autocannon, which counts them as `connect`. */
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

/** How the requests of an open loop arrived. */
export interface Arrivals {
  /**
   * Requests that were due: rate × duration without its pauses. Each was answered, abandoned, or is an error.
   */
  readonly due: Count;
  /**
   * Requests that timed out before they were sent, because no connection was free. They count as `timeout`
   * too.
   */
  readonly unsent: Count;
  /** Requests that the generator took up more than 10 ms after they were due: it was at its limit. */
  readonly late: Count;
  /**
   * How long after it was due the generator took each request up, in microseconds: its own part of every
   * latency. Left out in a document of an older version.
   */
  readonly lateness?: Latency;
  /**
   * Requests whose client left before the answer, as it was told to. Neither the requests nor the errors
   * count them. Left out where no client was to leave.
   */
  readonly abandoned?: Count;
}

/** What a load generator has measured. */
export interface LoadResult {
  /** Answers of any status, including those later than the timeout; 0 where none came in time. */
  readonly requests: number;
  /**
   * How long the load lasted by the generator's own clock, in seconds; for an open loop, how long requests
   * were due.
   */
  readonly durationSec: number;
  /** `requests` ÷ `durationSec`, the pauses of bursts included; 0 where no time has passed. */
  readonly requestsPerSec: number;
  /** Bytes of the answers, their headers included. */
  readonly bytesRead: number;
  /**
   * How long answers took, in microseconds: from when the request was sent, in an open loop from when it was
   * due.
   */
  readonly latencyUs: Latency;
  /** All latencies, without timeouts. */
  readonly latencyHistogram: LatencyHistogram | null;
  /**
   * Requests on their way when the time was over, as wrk has counted them. Left out for a load without pauses
   * and for an open loop.
   */
  readonly inFlight?: Count;
  /** What went wrong, in counts; all 0 for a load without a failure. */
  readonly errors: LoadErrors;
  /**
   * How the requests of an open loop arrived. Left out for a closed loop, in which each answer triggers the
   * next request.
   */
  readonly arrivals?: Arrivals;
}

/** What one load generator has counted, with every latency: {@linkcode resultOf} makes the figures of it. */
export interface LoadReport
  extends Pick<LoadResult, "requests" | "durationSec" | "bytesRead" | "inFlight" | "errors"> {
  /** Each latency in microseconds with the number of answers that took it, without timeouts. */
  readonly latencies: Histogram;
  /** {@linkcode LoadResult.arrivals} without a summary. */
  readonly arrivals?: Omit<Arrivals, "lateness">;
  /** How late each request of an open loop was taken up; see {@linkcode Arrivals.lateness}. */
  readonly lateness?: Histogram;
  /** An answer slower than this counts as a timeout, in milliseconds. */
  readonly timeoutMs: number;
  /** When it began to send, in milliseconds since its host was started. Left out where it does not say. */
  readonly beganMs?: number;
}

/**
 * Characters of the longest report of a load generator: a histogram with a latency and a count for each
 * microsecond of two seconds has some 20 million.
 */
export const LONGEST_REPORT = 64 * 1024 * 1024;

/** A load generator under way on one host. Disposing it ends it. */
export interface RunningGenerator extends AsyncDisposable {
  /** Where it runs. */
  readonly host: Host;
  /** Its process group on that host, for its CPU and memory. */
  readonly processGroup: number;
  /** See {@linkcode RunningLoad.over}. */
  readonly over: Promise<void>;
  /** Lets one that was started to wait begin to send. */
  begin?(): Promise<void>;
  /** Lets it close its connections and end, and returns what it has counted. */
  finish(): Promise<LoadReport>;
}

/** A load under way. Disposing it ends its generators. */
export interface RunningLoad extends AsyncDisposable {
  /** The generators that make it, one on each client. */
  readonly generators: readonly RunningGenerator[];
  /**
   * Resolves when the time is over. The connections stay open until {@linkcode finish}, so that the sockets
   * can be read as the load has left them. Rejects when the generator fails.
   */
  readonly over: Promise<void>;
  /** Lets the generators close their connections and end, and returns what they have measured together. */
  finish(): Promise<LoadResult>;
  /** What each of them has counted, in their order, once the load has finished; empty before. */
  readonly reports: readonly LoadReport[];
}

/** Which generator is used, its version, and why it is not wrk. */
export interface GeneratorChoice {
  /** The generator that {@linkcode startLoad} takes. */
  readonly name: LoadGenerator;
  /**
   * Its version, such as `4.1.0`; for the open loop that of Timewait; `of unknown version` where wrk does not
   * tell.
   */
  readonly version: string;
  /** Where autocannon was chosen because wrk is not installed: the reason, and how to install wrk. */
  readonly reason?: string;
}

/**
 * A load generator as a Deno process on the client: what autocannon and the open loop have in common.
 *
 * @module
 */

import { denoArgv, type DenoScript } from "../lab/deno_script.ts";
import { type Host } from "../lab/host.ts";
import { inTime } from "../lab/in_time.ts";
import { reasonOfExit } from "../lab/process.ts";
import { type LoadOptions, type LoadReport, LONGEST_REPORT, type RunningGenerator } from "./load.ts";

/** What is started. */
export interface LoadProcess {
  /** What messages call it. */
  readonly name: string;
  /**
   * The script. It takes its options as JSON from the variable `TIMEWAIT_LOAD`, and the headers in it as an
   * object.
   */
  readonly script: DenoScript;
  /** Whether it prints `waits` and begins upon a line. Default false: it begins at once. */
  readonly waits?: boolean;
  /** Parses the line of JSON that it reports with. */
  parse(json: string): LoadReport;
}

/**
 * The environment of a load generator. Deno's event loop carries out 128 operations in one go. It must not
 * take up more ready sockets than that, or some connections wait while others are served again and again.
 */
export const LOAD_ENV = { DENO_TOKIO_MAX_IO_EVENTS_PER_TICK: "128" };

/**
 * Longest wait until a generator is ready, in milliseconds, beside its timeout, for which an open loop may
 * connect.
 */
const READY_LIMIT_MS = 20_000;

/**
 * Starts a load generator. It prints `over` when its time is over, keeps its connections until it reads a
 * line, and then reports.
 */
export async function startLoadProcess(
  host: Host,
  { name, script, waits = false, parse }: LoadProcess,
  options: LoadOptions,
): Promise<RunningGenerator> {
  const over = Promise.withResolvers<void>();
  const reported = Promise.withResolvers<LoadReport>();
  const ready = Promise.withResolvers<void>();
  for (const promise of [over.promise, reported.promise, ready.promise]) promise.catch(() => {});
  const headers = Object.fromEntries(options.headers.map((header) => header.split(/:\s*(.*)/s).slice(0, 2)));
  const process = await host.start({
    name,
    argv: denoArgv(script, []),
    // Not as an argument: every user of the machine can read those of a process, and its environment not.
    env: { TIMEWAIT_LOAD: JSON.stringify({ ...options, headers, ...(waits ? { waits } : {}) }) },
    longestLine: LONGEST_REPORT,
    onStdout: (line) => {
      if (line === "waits") return ready.resolve();
      if (line === "over") return over.resolve();
      if (!line.startsWith("{")) return;
      try {
        reported.resolve(parse(line));
      } catch (error) {
        reported.reject(error);
      }
    },
  });
  process.exited.then((status) => {
    const error = new Error(`${name} ended without a result: ${reasonOfExit(status)}`);
    over.reject(error);
    reported.reject(error);
    ready.reject(error);
  });
  if (waits) {
    try {
      await inTime(
        ready.promise,
        `${name} did not start on the ${host.name}`,
        READY_LIMIT_MS + options.timeoutMs,
      );
    } catch (error) {
      await process.stop();
      throw error;
    }
  }
  return {
    host,
    processGroup: process.processGroup,
    over: over.promise,
    begin: () => process.writeLine("begin"),
    async finish() {
      await process.writeLine("finish");
      const result = await reported.promise;
      await process.exited;
      return result;
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/**
 * A histogram from a report, in which latencies and counts alternate.
 *
 * @throws {TypeError} when it is not such a list of whole numbers of at least 0.
 */
export function parseHistogram(list: unknown): Map<number, number> {
  if (!Array.isArray(list) || list.length % 2 !== 0) throw new TypeError("not a histogram");
  const histogram = new Map<number, number>();
  for (let i = 0; i < list.length; i += 2) histogram.set(parseCount(list[i]), parseCount(list[i + 1]));
  return histogram;
}

/**
 * A count from a report.
 *
 * @throws {TypeError} when it is not a whole number of at least 0.
 */
export function parseCount(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError(`not a count: ${value}`);
  return value as number;
}

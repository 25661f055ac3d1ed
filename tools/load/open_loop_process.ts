/**
 * The open loop as a load generator: its process, and what that reports.
 *
 * @module
 */

import type { DenoScript } from "../lab/deno_script.ts";
import { type Host } from "../lab/host.ts";
import {
  ERROR_KINDS,
  type LoadErrors,
  type LoadOptions,
  type LoadReport,
  type RunningGenerator,
} from "./load.ts";
import { LOAD_ENV, parseCount, parseHistogram, startLoadProcess } from "./load_process.ts";

const RUNNER: DenoScript = {
  file: "load/open_loop_runner.ts",
  flags: ["--allow-net", "--allow-env=TIMEWAIT_LOAD"],
  env: LOAD_ENV,
};

/**
 * Starts an open loop on a host. The options must have a `ratePerSec`.
 *
 * @param start whether it opens its connections and then waits for {@linkcode RunningGenerator.begin}.
 */
export function startOpenLoopIn(
  host: Host,
  options: LoadOptions,
  { waits = false }: { readonly waits?: boolean } = {},
): Promise<RunningGenerator> {
  return startLoadProcess(host, {
    name: "the open loop",
    script: RUNNER,
    waits,
    parse: (json) => parseOpenLoopReport(json, options),
  }, options);
}

/**
 * Parses what open_loop_runner.ts has printed. A request counts for the time at which it was due, even if its
 * answer came after the end of the load. So requests per second are the answered arrivals per second.
 *
 * @throws {Error} when the text is no such report, or its figures contradict each other.
 */
export function parseOpenLoopReport(
  json: string,
  { durationMs, timeoutMs, abandon }: Pick<LoadOptions, "durationMs" | "timeoutMs" | "abandon">,
): LoadReport {
  try {
    const report = JSON.parse(json);
    const latencies = parseHistogram(report.histogram);
    const errors = Object.fromEntries(
      ERROR_KINDS.map((kind) => [kind, parseCount(report.errors[kind])]),
    ) as Record<keyof LoadErrors, number>;
    const [due, answered] = [parseCount(report.due), parseCount(report.answered)];
    const [unsent, late] = [parseCount(report.unsent), parseCount(report.late)];
    const lateness = parseHistogram(report.lateness);
    const abandoned = parseCount(report.abandoned ?? 0);
    if (
      countOf(latencies) !== answered || countOf(lateness) !== due ||
      answered + errors.connect + errors.read + errors.write + errors.timeout + abandoned !== due
    ) {
      throw new TypeError("some requests were neither answered nor failed");
    }
    const requests = answered === 0 ? 0 : answered + errors.timeout;
    return {
      requests,
      durationSec: durationMs / 1000,
      bytesRead: parseCount(report.bytesRead),
      latencies,
      lateness,
      timeoutMs,
      errors,
      arrivals: {
        due,
        unsent,
        late,
        ...(abandon === undefined ? {} : { abandoned }),
      },
    };
  } catch (cause) {
    throw new Error("the open loop's report is damaged", { cause });
  }
}

function countOf(histogram: ReadonlyMap<number, number>): number {
  return histogram.values().reduce((sum, count) => sum + count, 0);
}

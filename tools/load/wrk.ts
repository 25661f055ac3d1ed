/**
 * wrk, started on a host, with exact figures from its `done()` hook instead of its printed text.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { type Host } from "../lab/host.ts";
import { findCommand, reasonOfExit, runCommand } from "../lab/process.ts";
import { type Histogram, summarizeLatency } from "./latency.ts";
import { bucketLatency } from "./latency_histogram.ts";
import type { LoadErrors, LoadOptions, LoadResult, RunningLoad } from "./load.ts";
import REPORT from "./wrk_report.lua" with { type: "text" };

/**
 * Becomes wrk, with our script as its descriptor 3: a file that has no name any more and goes with the process. wrk reads it once for
 * each thread, so a pipe would not do, and where the sources came from a server there is no other file.
 */
const WITH_REPORT =
  'file=$(mktemp) && printf %s "$1" >"$file" && exec 3<"$file" && rm "$file" && shift && exec "$@"';

/**
 * Refuses what wrk would take and do other than asked.
 *
 * @throws {TimewaitError} for a time that is not whole seconds, connections that do not divide by the threads, and a
 * script that cannot be read.
 */
export function checkWrkOptions(options: Omit<LoadOptions, "url">): void {
  const { connections, threads, durationMs, timeoutMs, script } = options;
  const left = connections % threads;
  if (left !== 0) {
    throw new TimewaitError(
      `cannot be ${connections}: wrk gives each of ${threads} threads the same number, and would open ` +
        `${connections - left}; use ${largestDivisor(connections, threads)} threads or ${
          connections - left + threads
        } connections`,
      { field: "connections" },
    );
  }
  for (const [field, ms] of [["duration", durationMs], ["timeout", timeoutMs]] as const) {
    if (ms < 1000 || ms % 1000 !== 0) {
      throw new TimewaitError(`must be whole seconds for wrk, not ${ms}ms`, { field });
    }
  }
  if (script === undefined) return;
  try {
    if (!Deno.statSync(script).isFile) {
      throw new TimewaitError(`${script} is not a file`, { field: "script" });
    }
  } catch (error) {
    if (error instanceof TimewaitError) throw error;
    throw new TimewaitError(`${script} cannot be read: give the path of a Lua script for wrk`, {
      field: "script",
    });
  }
}

/**
 * The largest divisor of `connections` that is at most `threads`: how many threads wrk can share them among.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { largestDivisor } from "./wrk.ts";
 *
 * assertEquals(largestDivisor(1000, 12), 10);
 * ```
 */
export function largestDivisor(connections: number, threads: number): number {
  for (let n = Math.min(connections, threads); n > 1; n--) if (connections % n === 0) return n;
  return 1;
}

/** wrk's version, such as `4.1.0`. */
export async function readWrkVersion(wrk: string): Promise<string> {
  // It prints its usage after its version, and calls that a failure.
  const text = await runCommand(["/bin/sh", "-c", '"$1" -v; exit 0', "sh", wrk]);
  return /wrk (?:debian\/)?(\d[\w.]*)/.exec(text)?.[1] ?? "of unknown version";
}

/** Starts wrk. */
export async function startWrk(host: Host, options: LoadOptions): Promise<RunningLoad> {
  const { connections, threads, durationMs, timeoutMs, headers, script } = options;
  const token = `timewait ${crypto.randomUUID()} `;
  const reported = Promise.withResolvers<LoadResult>();
  reported.promise.catch(() => {});
  const process = await host.start({
    name: "wrk",
    // deno-fmt-ignore
    argv: [
      "bash", "-c", WITH_REPORT, "wrk", REPORT, findCommand("wrk"),
      "-c", String(connections),
      "-t", String(threads),
      "-d", `${durationMs / 1000}s`,
      "--timeout", `${timeoutMs / 1000}s`,
      "-s", "/dev/fd/3",
      ...headers.flatMap((header) => ["-H", header]),
      options.url,
    ],
    env: { TIMEWAIT_TOKEN: token, TIMEWAIT_SCRIPT: script ?? "" },
    onStdout: (line) => {
      if (!line.startsWith(token)) return;
      try {
        reported.resolve(parseWrkReport(line.slice(token.length), connections, timeoutMs));
      } catch (error) {
        reported.reject(error);
      }
    },
  });
  process.exited.then((status) => {
    reported.reject(new Error(`wrk ended without a result: ${reasonOfExit(status)}`));
  });
  return {
    processGroup: process.processGroup,
    over: reported.promise.then(() => {}),
    async finish() {
      const result = await reported.promise;
      await process.writeLine("finish");
      await process.exited;
      return result;
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

interface WrkReport {
  readonly requests: number;
  readonly durationUs: number;
  readonly bytesRead: number;
  readonly errors: LoadErrors;
  /** Latency and count by turns. */
  readonly histogram: readonly number[];
}

/**
 * Parses what wrk_report.lua has printed.
 *
 * @throws {Error} when it is not such a report, or its figures contradict each other.
 */
export function parseWrkReport(json: string, connections: number, timeoutMs: number): LoadResult {
  const { requests, durationUs, bytesRead, errors, histogram } = checkReport(json);
  const corrected = new Map<number, number>();
  for (let i = 0; i < histogram.length; i += 2) corrected.set(histogram[i]!, histogram[i + 1]!);
  const recorded = undoCorrection(corrected, { requests, durationUs, connections });
  const durationSec = durationUs / 1e6;
  return {
    requests,
    durationSec,
    requestsPerSec: durationSec === 0 ? 0 : requests / durationSec,
    bytesRead,
    latencyUs: summarizeLatency(recorded, { timeouts: errors.timeout, timeoutUs: timeoutMs * 1000 }),
    latencyHistogram: bucketLatency(recorded),
    errors,
  };
}

const ERROR_KINDS: readonly (keyof LoadErrors)[] = ["connect", "read", "write", "timeout", "status"];

function checkReport(json: string): WrkReport {
  let report: Partial<WrkReport> | null;
  try {
    report = JSON.parse(json);
  } catch (cause) {
    throw new Error("wrk's report is damaged: it is no JSON", { cause });
  }
  const histogram = Array.isArray(report?.histogram) ? report.histogram : [NaN];
  const errors = ERROR_KINDS.map((kind) => report?.errors?.[kind]);
  const counts = [report?.requests, report?.durationUs, report?.bytesRead, ...errors, ...histogram];
  if (histogram.length % 2 !== 0 || !counts.every((count) => Number.isSafeInteger(count) && count! >= 0)) {
    throw new Error("wrk's report is damaged: a count is missing");
  }
  return report as WrkReport;
}

/**
 * Takes wrk's correction for coordinated omission out of its histogram, so that it holds what was measured and
 * nothing else.
 *
 * wrk adds, for each latency of at least twice the mean interval between the requests of one connection, one
 * answer at that latency less one interval, less two, and so on, down to above one interval (`stats_correct` in its
 * stats.c). What it adds to a latency comes from longer ones only, so going down from the longest gives
 * the measured counts back exactly.
 */
export function undoCorrection(
  corrected: Histogram,
  { requests, durationUs, connections }: { requests: number; durationUs: number; connections: number },
): Histogram {
  const perConnection = Math.floor(requests / connections);
  if (perConnection === 0) return corrected;
  const intervalUs = Math.floor(durationUs / perConnection);
  const measured = new Map(corrected);
  for (const us of [...corrected.keys()].sort((a, b) => b - a)) {
    if (us < 2 * intervalUs) break;
    const count = measured.get(us)!;
    for (let below = us - intervalUs; count > 0 && below > intervalUs; below -= intervalUs) {
      measured.set(below, (measured.get(below) ?? 0) - count);
    }
  }
  for (const [us, count] of measured) if (count === 0) measured.delete(us);
  return measured;
}

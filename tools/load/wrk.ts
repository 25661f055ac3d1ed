/**
 * wrk, started on a host. Its figures come exact from its `done()` hook, not from the text that it prints.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { type Host } from "../lab/host.ts";
import { findCommand } from "../lab/find_command.ts";
import { inTime } from "../lab/in_time.ts";
import { reasonOfExit, runCommand } from "../lab/process.ts";
import { largestDivisor } from "../scenario/resolve.ts";
import type { Histogram } from "./latency.ts";
import {
  ERROR_KINDS,
  type LoadErrors,
  type LoadOptions,
  type LoadReport,
  LONGEST_REPORT,
  type RunningGenerator,
} from "./load.ts";
import { bodyBytesOf } from "./http_request.ts";
import REPORT from "./wrk_report.lua" with { type: "text" };

/**
 * Becomes wrk, with our script as its descriptor 3: a file that has no name any more and goes with the
 * process. wrk reads it once for each thread, so a pipe would not do, and where the sources came from a
 * server there is no other file.
 */
const WITH_REPORT =
  'file=$(mktemp) && printf %s "$1" >"$file" && exec 3<"$file" && rm "$file" && shift && exec "$@"';

/**
 * Waits for a line first, so that several clients begin together, and says when it begins: in seconds since
 * the host was started.
 */
const WHEN_TOLD = 'echo waits; read -r _ || exit 1; read -r up _ </proc/uptime; echo "began $up"; ';

/**
 * Refuses what wrk would accept and then do otherwise than asked.
 *
 * @throws {TimewaitError} for a time that is not whole seconds, for connections that the threads cannot share
 * evenly, and for a script that cannot be read.
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
      throw new TimewaitError(`must be whole seconds for wrk, at least one, not ${ms}ms`, { field });
    }
  }
  if (script === undefined) return;
  try {
    if (!Deno.statSync(script).isFile) {
      throw new TimewaitError(`${script} is not a file: give the path of a Lua script for wrk`, {
        field: "script",
      });
    }
  } catch (error) {
    if (error instanceof TimewaitError) throw error;
    throw new TimewaitError(
      `${script} cannot be read: give the path of a Lua script for wrk`,
      { field: "script", cause: error },
    );
  }
}

/** wrk's version, such as `4.1.0`. */
export async function readWrkVersion(wrk: string): Promise<string> {
  // wrk prints its usage after its version, and ends with the exit code of a failure.
  return parseWrkVersion(await runCommand(["/bin/sh", "-c", '"$1" -v; exit 0', "sh", wrk]));
}

/** The version of a wrk that was built without it. */
export const UNKNOWN_VERSION = "of unknown version";

/** The version in what `wrk -v` prints. */
export function parseWrkVersion(text: string): string {
  return /wrk (?:debian\/)?(\d[\w.]*)/.exec(text)?.[1] ?? UNKNOWN_VERSION;
}

/** How wrk is started. */
export interface WrkStart {
  /** The program. Default: the one on this machine's PATH. */
  readonly wrk?: string;
  /**
   * Whether it waits for {@linkcode RunningGenerator.begin}, and gets the text of its script, as on a machine
   * that does not have the file. Default false: it begins at once.
   */
  readonly waits?: boolean;
}

/** Longest script that goes with its text, in bytes: the kernel takes no longer variable (execve(2)). */
const MOST_TEXT_BYTES = 128 * 1024 - 64;

/** The text of a script. */
async function textOf(script: string): Promise<string> {
  const text = await Deno.readTextFile(script);
  if (new TextEncoder().encode(text).length <= MOST_TEXT_BYTES) return text;
  throw new TimewaitError(
    `${script} is too long for another machine: at most ${MOST_TEXT_BYTES} bytes go there`,
    {
      field: "script",
    },
  );
}

/** Starts wrk. */
export async function startWrk(
  host: Host,
  options: LoadOptions,
  { wrk = findCommand("wrk"), waits = false }: WrkStart = {},
): Promise<RunningGenerator> {
  const { connections, threads, durationMs, timeoutMs, headers, script, beatMs = 0, burst } = options;
  const token = `timewait ${crypto.randomUUID()} `;
  const reported = Promise.withResolvers<LoadReport>();
  const ready = Promise.withResolvers<void>();
  for (const promise of [reported.promise, ready.promise]) promise.catch(() => {});
  let beganMs: number | undefined;
  const process = await host.start({
    name: "wrk",
    // deno-fmt-ignore
    argv: [
      "/bin/sh", "-c", waits ? WHEN_TOLD + WITH_REPORT : WITH_REPORT, "wrk", REPORT, wrk,
      "-c", String(connections),
      "-t", String(threads),
      "-d", `${durationMs / 1000}s`,
      "--timeout", `${timeoutMs / 1000}s`,
      "-s", "/dev/fd/3",
      options.url,
    ],
    // Not as -H: every user of the machine can read the arguments of a process, and its environment not.
    env: {
      TIMEWAIT_TOKEN: token,
      TIMEWAIT_SCRIPT: script ?? "",
      ...(waits && script !== undefined ? { TIMEWAIT_TEXT: await textOf(script) } : {}),
      TIMEWAIT_HEADERS: headers.join("\n"),
      TIMEWAIT_BEAT_MS: String(beatMs),
      TIMEWAIT_BURST: burst === undefined ? "" : `${burst.onMs} ${burst.offMs}`,
      TIMEWAIT_METHOD: options.method ?? "GET",
      TIMEWAIT_BODY: String(bodyBytesOf(options) ?? ""),
    },
    ...(script === undefined ? {} : { onStderr: showFirst(SCRIPT_LINES_SHOWN) }),
    longestLine: LONGEST_REPORT,
    onStdout: (line) => {
      if (line === "waits") return ready.resolve();
      if (beganMs === undefined && /^began [\d.]+$/.test(line)) beganMs = Number(line.slice(6)) * 1000;
      if (!line.startsWith(token)) return;
      try {
        const report = parseWrkReport(line.slice(token.length), connections, timeoutMs);
        reported.resolve(beganMs === undefined ? report : { ...report, beganMs });
      } catch (error) {
        reported.reject(error);
      }
    },
  });
  process.exited.then((status) => {
    const error = new Error(`wrk ended without a result: ${reasonOfExit(status)}`);
    reported.reject(error);
    ready.reject(error);
  });
  if (waits) {
    try {
      await inTime(ready.promise, `wrk did not start on the ${host.name}`);
    } catch (error) {
      await process.stop();
      throw error;
    }
  }
  const over = reported.promise.then(() => {});
  // A load that is given up has nobody who waits for its end.
  over.catch(() => {});
  return {
    host,
    processGroup: process.processGroup,
    over,
    begin: () => process.writeLine("begin"),
    async finish() {
      const result = await reported.promise;
      await process.writeLine("finish");
      await process.exited;
      return result;
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Lines of a script that are shown of each load. A script can print for every request. */
const SCRIPT_LINES_SHOWN = 20;

/** Shows the first lines that it is called with on standard error, and says that there are more. */
function showFirst(count: number): (line: string) => void {
  let shown = 0;
  return (line) => {
    if (++shown <= count) console.error(`wrk script: ${line}`);
    else if (shown === count + 1) console.error("wrk script: and more, which is not shown");
  };
}

interface WrkReport {
  readonly requests: number;
  readonly durationUs: number;
  readonly bytesRead: number;
  readonly errors: LoadErrors;
  /** Requests that were sent and not answered. Left out for a load without pauses. */
  readonly inFlight?: number;
  /** Latencies and counts, which alternate. */
  readonly histogram: readonly number[];
}

/**
 * Parses what wrk_report.lua has printed.
 *
 * @throws {Error} when the text is no such report.
 */
export function parseWrkReport(json: string, connections: number, timeoutMs: number): LoadReport {
  const { requests, durationUs, bytesRead, histogram, inFlight, ...report } = checkReport(json);
  const errors = countOnce(report.errors, requests);
  const corrected = new Map<number, number>();
  for (let i = 0; i < histogram.length; i += 2) corrected.set(histogram[i]!, histogram[i + 1]!);
  return {
    requests,
    durationSec: durationUs / 1e6,
    bytesRead,
    latencies: undoCorrection(corrected, { requests, durationUs, connections }),
    timeoutMs,
    errors,
    ...(inFlight === undefined ? {} : { inFlight }),
  };
}

/**
 * Takes out the read errors that wrk counts of answers which it has counted as well.
 *
 * An answer without a length ends with its connection. wrk counts it, opens another connection, and then
 * mistakes the end for a failure to read (`socket_readable` in its wrk.c, because `http_body_is_final` is
 * false after such a body). It counts both in one step, so that where all answers are like that, or all those
 * with a status that means failure, or all others, the two counts are the same to the last one.
 */
function countOnce(errors: LoadErrors, requests: number): LoadErrors {
  const { read, status } = errors;
  const ended = [requests, status, requests - status];
  return read > 0 && ended.includes(read) ? { ...errors, read: 0 } : errors;
}

function checkReport(json: string): WrkReport {
  let report: Partial<WrkReport> | null;
  try {
    report = JSON.parse(json);
  } catch (cause) {
    throw new Error("wrk's report is damaged: it is not JSON", { cause });
  }
  const histogram = Array.isArray(report?.histogram) ? report.histogram : [NaN];
  const errors = ERROR_KINDS.map((kind) => report?.errors?.[kind]);
  const { inFlight = 0 } = report ?? {};
  const counts = [report?.requests, report?.durationUs, report?.bytesRead, inFlight, ...errors, ...histogram];
  if (histogram.length % 2 !== 0 || !counts.every((count) => Number.isSafeInteger(count) && count! >= 0)) {
    throw new Error("wrk's report is damaged: a count is missing");
  }
  return report as WrkReport;
}

/**
 * Takes wrk's correction for coordinated omission out of its histogram, so that the histogram holds what was
 * measured and nothing else.
 *
 * The interval is the mean time between two requests of one connection. For each latency of at least two
 * intervals, wrk adds one answer at that latency less one interval, one at that latency less two, and so on,
 * down to the last that is above one interval (`stats_correct` in its stats.c). The answers added at a
 * latency come from longer latencies only. So going down from the longest latency gives the measured counts
 * back exactly.
 *
 * Where a script pipelines, wrk takes one latency for a whole batch, and the interval can be less than the
 * shortest of them: it then adds answers below its own minimum. Where those were not reported, there is
 * nothing to take them from.
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
      const before = measured.get(below);
      if (before !== undefined) measured.set(below, Math.max(0, before - count));
    }
  }
  for (const [us, count] of measured) if (count === 0) measured.delete(us);
  return measured;
}

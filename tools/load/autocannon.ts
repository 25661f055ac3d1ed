/**
 * autocannon, which comes from npm and makes the load where wrk is not installed. It runs in a Deno process
 * of its own and reaches about half of wrk's rate, so it comes to its own limit sooner.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { denoCacheArgv, type DenoScript } from "../lab/deno_script.ts";
import { type Host } from "../lab/host.ts";
import { runCommand } from "../lab/process.ts";
import type { LoadOptions, LoadReport, RunningGenerator } from "./load.ts";
import { LOAD_ENV, parseCount, parseHistogram, startLoadProcess } from "./load_process.ts";

const RUNNER: DenoScript = {
  file: "load/autocannon_runner.ts",
  flags: ["--allow-net", "--allow-env", "--allow-read", "--allow-sys"],
  env: LOAD_ENV,
};

/** Downloads autocannon unless it is there already, because a lab has no way out, and returns its version. */
export async function prepareAutocannon(): Promise<string> {
  await runCommand(denoCacheArgv(RUNNER));
  return config.imports.autocannon.split("@").at(-1)!;
}

/** Starts autocannon. */
export function startAutocannon(host: Host, options: LoadOptions): Promise<RunningGenerator> {
  return startLoadProcess(host, {
    name: "autocannon",
    script: RUNNER,
    parse: (json) => parseAutocannonReport(json, options.timeoutMs),
  }, options);
}

/**
 * Parses what autocannon_runner.ts has counted, in the shape of autocannon's own result. autocannon does not
 * tell failed connects from failed reads and writes: all of them count as `connect`.
 *
 * @throws {Error} when the text is no such result, or its figures contradict each other.
 */
export function parseAutocannonReport(json: string, timeoutMs: number): LoadReport {
  try {
    const { result, histogram: list } = JSON.parse(json);
    const latencies = parseHistogram(list);
    const answered = [...latencies.values()].reduce((sum, count) => sum + count, 0);
    if (answered !== parseCount(result.requests.total)) throw new TypeError("some answers have no latency");
    const timeouts = parseCount(result.timeouts);
    // autocannon gives a late answer up. wrk counts it as a request, and so do all results.
    const requests = answered === 0 ? 0 : answered + timeouts;
    return {
      requests,
      durationSec: number(result.duration),
      bytesRead: parseCount(result.throughput.total),
      latencies,
      timeoutMs,
      errors: {
        connect: parseCount(result.errors - timeouts),
        read: 0,
        write: 0,
        timeout: timeouts,
        status: parseCount(result["1xx"]) + parseCount(result["4xx"]) + parseCount(result["5xx"]),
      },
    };
  } catch (cause) {
    throw new Error("autocannon's result is damaged", { cause });
  }
}

function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new TypeError(`not a number: ${value}`);
  }
  return value;
}

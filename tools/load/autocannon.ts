/**
 * autocannon, which comes from npm and stands in where wrk is not installed. It runs in a Deno process of its own
 * and reaches about half of wrk's rate, so it is nearer to its own limit; its latencies are whole milliseconds.
 *
 * @module
 */

import type { Host } from "../lab/host.ts";
import { lastWords, runCommand } from "../lab/process.ts";
import type { LoadOptions, LoadResult, RunningLoad } from "./load.ts";

const RUNNER = new URL("./autocannon_runner.ts", import.meta.url).href;
const CONFIG = decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname);

/** Downloads autocannon unless it is there already, because a lab has no way out, and returns its version. */
export async function prepareAutocannon(): Promise<string> {
  await runCommand([Deno.execPath(), "cache", "--config", CONFIG, RUNNER]);
  const { imports } = JSON.parse(await Deno.readTextFile(CONFIG));
  return imports.autocannon.split("@").at(-1);
}

/** Starts autocannon. */
export async function startAutocannon(host: Host, options: LoadOptions): Promise<RunningLoad> {
  const over = Promise.withResolvers<void>();
  const reported = Promise.withResolvers<LoadResult>();
  for (const promise of [over.promise, reported.promise]) promise.catch(() => {});
  const headers = Object.fromEntries(options.headers.map((header) => header.split(/:\s*(.*)/s).slice(0, 2)));
  const process = await host.start({
    name: "autocannon",
    // deno-fmt-ignore
    argv: [
      Deno.execPath(), "run", "--quiet", "--no-prompt", "--cached-only", "--config", CONFIG,
      "--allow-net", "--allow-env", "--allow-read", "--allow-sys", RUNNER, JSON.stringify({ ...options, headers }),
    ],
    onStdout: (line) => {
      if (line === "over") return over.resolve();
      if (!line.startsWith("{")) return;
      try {
        reported.resolve(parseAutocannonReport(line));
      } catch (error) {
        reported.reject(error);
      }
    },
  });
  process.exited.then((status) => {
    const error = new Error(`autocannon ended without a result: ${lastWords(status)}`);
    over.reject(error);
    reported.reject(error);
  });
  return {
    processGroup: process.processGroup,
    over: over.promise,
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
 * Parses autocannon's result. It does not tell failed connects from failed reads: all stand under `connect`.
 *
 * @throws {Error} when it is not such a result.
 */
export function parseAutocannonReport(json: string): LoadResult {
  try {
    const result = JSON.parse(json);
    const us = (ms: number) => Math.round(number(ms) * 1000);
    const { latency } = result;
    const requests = number(result.requests.total);
    const durationSec = number(result.duration);
    return {
      requests,
      durationSec,
      requestsPerSec: durationSec === 0 ? 0 : requests / durationSec,
      bytesRead: number(result.throughput.total),
      latencyUs: {
        mean: us(latency.average),
        p50: us(latency.p50),
        p75: us(latency.p75),
        p90: us(latency.p90),
        p99: us(latency.p99),
        p999: us(latency.p99_9),
        max: us(latency.max),
      },
      latencyHistogram: null,
      errors: {
        connect: number(result.errors) - number(result.timeouts),
        read: 0,
        write: 0,
        timeout: number(result.timeouts),
        status: number(result["1xx"]) + number(result["4xx"]) + number(result["5xx"]),
      },
    };
  } catch (cause) {
    throw new Error("autocannon's result is damaged", { cause });
  }
}

function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError(`not a number: ${value}`);
  return value;
}

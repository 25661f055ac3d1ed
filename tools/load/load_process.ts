/**
 * A load generator of ours as a Deno process on the client: what the two that run so have in common.
 *
 * @module
 */

import { type Host } from "../lab/host.ts";
import { reasonOfExit } from "../lab/process.ts";
import type { LoadOptions, LoadResult, RunningLoad } from "./load.ts";

/** The configuration that names the dependencies. */
export const CONFIG: string = decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname);

/** What is started. */
export interface LoadProcess {
  /** What messages call it. */
  readonly name: string;
  /** The script, as a URL. It takes its options as one argument of JSON, and its headers as an object. */
  readonly script: string;
  /** Flags of `deno run`. */
  readonly flags: readonly string[];
  /** Parses the line of JSON that it reports with. */
  parse(json: string): LoadResult;
}

/**
 * No more sockets reported ready at a time than Deno's event loop serves in one go: beyond that some connections wait
 * while others are served again and again.
 */
const EVENTS_PER_TICK = "DENO_TOKIO_MAX_IO_EVENTS_PER_TICK=128";

/** Starts it. It says `over` when its time is over, goes on until it reads a line, and then reports. */
export async function startLoadProcess(
  host: Host,
  { name, script, flags, parse }: LoadProcess,
  options: LoadOptions,
): Promise<RunningLoad> {
  const over = Promise.withResolvers<void>();
  const reported = Promise.withResolvers<LoadResult>();
  for (const promise of [over.promise, reported.promise]) promise.catch(() => {});
  const headers = Object.fromEntries(options.headers.map((header) => header.split(/:\s*(.*)/s).slice(0, 2)));
  const process = await host.start({
    name,
    // deno-fmt-ignore
    argv: [
      "/usr/bin/env", EVENTS_PER_TICK,
      Deno.execPath(), "run", "--quiet", "--no-prompt", "--cached-only", "--config", CONFIG,
      ...flags, script, JSON.stringify({ ...options, headers }),
    ],
    onStdout: (line) => {
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
 * The histogram that was reported as latency and count by turns.
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
 * A count that was reported.
 *
 * @throws {TypeError} when it is not a whole number of at least 0.
 */
export function parseCount(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError(`not a count: ${value}`);
  return value as number;
}

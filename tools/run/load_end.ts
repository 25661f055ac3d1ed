/**
 * Waits for the end of a load, no longer than the load may take and the parties live.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { deadline } from "@std/async/deadline";
import { inTime } from "../lab/in_time.ts";
import { reasonOfEnd, type RunningProcess } from "../lab/process.ts";
import type { LoadResult, RunningLoad } from "../load/load.ts";
import type { LoadPlan } from "../scenario/plan.ts";

/** Grace added to a load's own time before it counts as hung, in milliseconds. */
const OVERTIME_MS = 30_000;

/** The times of a load that bound how long it may take. */
export type LoadTimes = Pick<LoadPlan, "durationMs" | "timeoutMs">;

/**
 * How long a load may take before it counts as hung, in milliseconds. An open loop connects before its first
 * request is due, and waits for its last answer: each may take as long as the timeout.
 */
export function loadLimitMs({ durationMs, timeoutMs }: LoadTimes): number {
  return durationMs + 2 * timeoutMs + OVERTIME_MS;
}

/**
 * Waits for the end of a load.
 *
 * @throws {Error} when the load takes longer than {@linkcode loadLimitMs}, or a party ends before it; the
 * reason of the signal when that aborts.
 */
export async function untilOver(
  load: RunningLoad,
  times: LoadTimes,
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<void> {
  const limitMs = loadLimitMs(times);
  const over = deadline(load.over, limitMs, { signal }).catch((error) => {
    if ((error as Error).name !== "TimeoutError") throw error;
    throw new Error(`the load was not over after ${limitMs / 1000} s`);
  });
  await whileAllRun(over, parties, signal);
}

/**
 * Lets a load that is over close its connections and end.
 *
 * @throws {Error} when it does not end in time: its generator was stopped, or the `done` of a script for wrk
 * does not return.
 */
export async function finishLoad(load: RunningLoad): Promise<LoadResult> {
  return await inTime(load.finish(), "the load generator did not end", OVERTIME_MS);
}

/**
 * Waits for something that needs all parties to run. When one of them has ended, there is nothing left to
 * measure, and perhaps nothing that could end the wait.
 *
 * @throws {Error} when a party ends before; the reason of the signal when that aborts.
 */
export async function whileAllRun<T>(
  what: Promise<T>,
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<T> {
  const ended = Promise.withResolvers<never>();
  for (const { name, exited } of parties) {
    exited.then((status) =>
      ended.reject(new Error(`${name} ended while the load ran: ${reasonOfEnd(status)}`))
    );
  }
  return await abortable(Promise.race([what, ended.promise]), signal);
}

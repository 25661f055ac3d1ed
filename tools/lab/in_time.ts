/**
 * Waits for processes of ours, none of them without end: one that is stopped (SIGSTOP) or stuck would hold
 * the bench up for ever.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { type ExitStatus, reasonOfExit, type RunningProcess } from "./process.ts";

/**
 * Longest wait for an answer of a process of ours, or for its end, in milliseconds. On an idle machine each
 * takes a few.
 */
export const ANSWER_LIMIT_MS = 10_000;

/**
 * Waits for something no longer than `limitMs`, by default {@linkcode ANSWER_LIMIT_MS}.
 *
 * @param subject who is waited for, and what it has not done by then: `the sampler did not end`.
 * @throws {Error} when it takes longer.
 */
export async function inTime<T>(
  what: Promise<T>,
  subject: string,
  limitMs: number = ANSWER_LIMIT_MS,
): Promise<T> {
  try {
    return await deadline(what, limitMs);
  } catch (error) {
    if ((error as Error).name !== "TimeoutError") throw error;
    throw new Error(`${subject} within ${limitMs / 1000} s`);
  }
}

/**
 * Waits for the end of a process that has been told to end.
 *
 * @throws {Error} when it does not end within `limitMs`, or its exit code is not 0.
 */
export async function endInTime(
  process: Pick<RunningProcess, "name" | "exited">,
  limitMs?: number,
): Promise<ExitStatus> {
  const status = await inTime(process.exited, `${process.name} did not end`, limitMs);
  if (status.code !== 0) throw new Error(`${process.name} failed: ${reasonOfExit(status)}`);
  return status;
}

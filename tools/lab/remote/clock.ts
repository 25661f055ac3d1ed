/**
 * The clock of a remote host. No common clock is assumed: what is compared is the time since boot there,
 * which nobody sets, and our own monotonic time.
 *
 * @module
 */

import { UnavailableError } from "../../errors.ts";

/** One look at the clock of a remote host. Times here are those of `performance.now()`. */
export interface ClockReading {
  /** When it was asked for, in milliseconds. */
  readonly sentMs: number;
  /** When the answer was there, in milliseconds. */
  readonly receivedMs: number;
  /** What /proc/uptime said meanwhile, in milliseconds. */
  readonly uptimeMs: number;
}

/** How a remote host's time since boot stands to our own time. */
export interface ClockOffset {
  /** What is added to /proc/uptime there, in milliseconds, to have `performance.now()` here. */
  readonly offsetMs: number;
  /** How far the offset may be from the true one, in milliseconds, to either side. */
  readonly errorMs: number;
}

/** /proc/uptime has two decimals, and the rest is cut off (proc_uptime(5)): in milliseconds. */
const UPTIME_STEP_MS = 10;

/** Largest error that series of two hosts can be laid over each other with, in milliseconds. */
export const LARGEST_ERROR_MS = 500;

/**
 * The offset that all readings agree on. The clock was read between the question and the answer, so each
 * reading gives a lower and an upper bound; the shortest round trip gives the narrowest.
 *
 * @param readings at least one, taken within seconds of each other.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { clockOffset } from "./clock.ts";
 *
 * const reading = { sentMs: 1_000, receivedMs: 1_030, uptimeMs: 500 };
 * assertEquals(clockOffset([reading]), { offsetMs: 510, errorMs: 20 });
 * ```
 */
export function clockOffset(readings: readonly ClockReading[]): ClockOffset {
  const least = Math.max(...readings.map(({ sentMs, uptimeMs }) => sentMs - uptimeMs - UPTIME_STEP_MS));
  const most = Math.min(...readings.map(({ receivedMs, uptimeMs }) => receivedMs - uptimeMs));
  return { offsetMs: (least + most) / 2, errorMs: Math.abs(most - least) / 2 };
}

/**
 * Refuses a clock that is not known well enough to lay series over each other.
 *
 * @throws {UnavailableError} above {@linkcode LARGEST_ERROR_MS}.
 */
export function checkClock(host: string, { errorMs }: ClockOffset): void {
  if (errorMs <= LARGEST_ERROR_MS) return;
  throw new UnavailableError(
    `the clock of ${host} is known to ${
      Math.ceil(errorMs)
    } ms only, and ${LARGEST_ERROR_MS} ms are needed: ` +
      "the way there is too slow; start the bench nearer to it",
  );
}

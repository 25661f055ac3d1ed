/**
 * Collectors: each listens to the lines that a party prints while a load runs, and keeps what they say of one
 * subject.
 *
 * @module
 */

import type { RunningProcess } from "../lab/process.ts";

/** The process whose lines a collector hears. */
export type Speaker = Pick<RunningProcess, "name" | "signal">;

/** Keeps what a party says of one subject. `T` is what it has kept at the end. */
export interface Collector<T> {
  /** Takes a line of standard output or standard error. A line about anything else is passed over. */
  add(line: string): void;
  /**
   * Resolves when the party has reported everything that has happened until now.
   *
   * @throws {Error} where the party was asked and does not answer in time; the reason of the signal when that
   * aborts.
   */
  settled(party: Speaker, signal: AbortSignal): Promise<void>;
  /**
   * Starts to count: whatever was reported before does not count. `startMs` is when the load begins, by
   * `performance.now()`.
   */
  begin(startMs: number): void;
  /**
   * Called when the load is over, just before its connections are closed. Left out where it does not matter.
   */
  over?(): void;
  /** What was reported since. */
  result(): T;
}

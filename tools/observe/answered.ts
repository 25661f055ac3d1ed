/**
 * How many requests the backend has answered, as it says while a load runs.
 *
 * @module
 */

import type { AnsweredSeries } from "./series.ts";

/** Keeps what the backend says. */
export interface AnsweredCount {
  /** Takes the number of requests that the backend has answered since it started. */
  add(requests: number): void;
  /** Resolves when the backend has spoken once more. */
  heard(): Promise<void>;
  /** What was answered up to now does not count. `startMs` is when the load begins, by `performance.now()`. */
  begin(startMs: number): void;
  /** What was answered since. */
  series(): AnsweredSeries;
}

/** Starts to count. `onCount` is told of each number, with the time since the load began and the rate since the last one. */
export function startAnsweredCount(
  onCount: (timeMs: number, requestsPerSec: number) => void,
): AnsweredCount {
  const series = { timeMs: [0], requests: [0] };
  let startMs = Infinity;
  let earlier = 0;
  let latest = 0;
  let spoken = Promise.withResolvers<void>();
  return {
    add(requests) {
      latest = requests;
      spoken.resolve();
      spoken = Promise.withResolvers();
      const timeMs = Math.round(performance.now() - startMs);
      if (timeMs <= 0) return;
      const answered = requests - earlier;
      const seconds = (timeMs - series.timeMs.at(-1)!) / 1000;
      const requestsPerSec = seconds > 0 ? (answered - series.requests.at(-1)!) / seconds : 0;
      series.timeMs.push(timeMs);
      series.requests.push(answered);
      onCount(timeMs, requestsPerSec);
    },
    heard: () => spoken.promise,
    begin(now) {
      startMs = now;
      earlier = latest;
    },
    series: () => series,
  };
}

/**
 * How many requests the backend has answered over time, from the lines that it prints.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import type { Collector } from "./collector.ts";
import type { AnsweredSeries } from "./series.ts";

/**
 * Called at each report of the backend with the time since the load began, and the rate since the report
 * before.
 */
export type OnAnswered = (timeMs: number, requestsPerSec: number) => void;

/**
 * Collects the lines `requests N`, in which `N` is the number of requests answered since the backend started.
 */
export function collectAnswered(onAnswered: OnAnswered = () => {}): Collector<AnsweredSeries> {
  const series = { timeMs: [0], requests: [0] };
  let startMs = Infinity;
  let earlier = 0;
  let latest = 0;
  let nextReport = Promise.withResolvers<void>();
  return {
    add(line) {
      const match = /^requests (\d+)$/.exec(line);
      if (match === null) return;
      latest = Number(match[1]);
      nextReport.resolve();
      nextReport = Promise.withResolvers();
      const timeMs = Math.round(performance.now() - startMs);
      if (timeMs <= 0) return;
      const answered = latest - earlier;
      const seconds = (timeMs - series.timeMs.at(-1)!) / 1000;
      const requestsPerSec = seconds > 0 ? (answered - series.requests.at(-1)!) / seconds : 0;
      series.timeMs.push(timeMs);
      series.requests.push(answered);
      onAnswered(timeMs, requestsPerSec);
    },
    settled: (_backend, signal) => abortable(nextReport.promise, signal),
    begin(now) {
      startMs = now;
      earlier = latest;
    },
    result: () => ({ timeMs: [...series.timeMs], requests: [...series.requests] }),
  };
}

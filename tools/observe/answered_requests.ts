/**
 * How many requests the backend has answered over time, from the lines that it prints.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import type { Collector, Speaker } from "./collector.ts";
import type { AnsweredSeries } from "./series.ts";

/**
 * Called at each report of the backend with the time since the load began, and the rate since the report
 * before.
 */
export type OnAnswered = (timeMs: number, requestsPerSec: number) => void;

/** Reports that follow each other within this time are one, in milliseconds: one of them was asked for. */
const TOGETHER_MS = 50;

/** A collector of what one backend has answered, to which further backends can be added. */
export interface AnsweredCollector extends Collector<AnsweredSeries> {
  /** A collector for one backend more, whose requests are added to the series of this one. */
  further(): Collector<void>;
}

/**
 * Collects the lines `requests N`, in which `N` is the number of requests answered since the backend started.
 */
export function collectAnswered(onAnswered: OnAnswered = () => {}): AnsweredCollector {
  const series = { timeMs: [0], requests: [0] };
  const sources: Source[] = [];
  let startMs = Infinity;
  let earlier = 0;
  const latest = () => sources.reduce((sum, source) => sum + source.latest, 0);
  const add = (source: Source, line: string) => {
    const match = /^requests (\d+)$/.exec(line);
    if (match === null) return;
    source.latest = Number(match[1]);
    source.nextReport.resolve();
    source.nextReport = Promise.withResolvers();
    const timeMs = Math.round(performance.now() - startMs);
    if (timeMs <= 0) return;
    if (series.timeMs.length > 1 && timeMs - series.timeMs.at(-1)! < TOGETHER_MS) {
      series.timeMs.pop();
      series.requests.pop();
    }
    const answered = latest() - earlier;
    const seconds = (timeMs - series.timeMs.at(-1)!) / 1000;
    const requestsPerSec = seconds > 0 ? (answered - series.requests.at(-1)!) / seconds : 0;
    series.timeMs.push(timeMs);
    series.requests.push(answered);
    onAnswered(timeMs, requestsPerSec);
  };
  const sourceOf = () => {
    const source: Source = { latest: 0, nextReport: Promise.withResolvers() };
    sources.push(source);
    return {
      add: (line: string) => add(source, line),
      settled: (_backend: Speaker, signal: AbortSignal) => abortable(source.nextReport.promise, signal),
    };
  };
  return {
    ...sourceOf(),
    begin(now) {
      startMs = now;
      earlier = latest();
    },
    result: () => ({ timeMs: [...series.timeMs], requests: [...series.requests] }),
    further: () => ({ ...sourceOf(), begin() {}, result() {} }),
  };
}

/** What one backend has reported. */
interface Source {
  latest: number;
  nextReport: PromiseWithResolvers<void>;
}

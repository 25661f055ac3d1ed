/**
 * How often requests failed between a gateway of ours and its backend, from what the gateway writes on
 * standard error.
 *
 * @module
 */

import type { Count } from "../figures.ts";
import { delay } from "@std/async/delay";
import { GATHER_MS } from "../transport/failure_log.ts";
import type { Collector } from "./collector.ts";

/** Failures of one kind. */
export interface UpstreamFailure {
  /** The errno's name, such as `EADDRNOTAVAIL`. */
  readonly code: string;
  /** What was being done. */
  readonly step: "connect" | "response";
  /** How many there were. */
  readonly count: Count;
  /**
   * When the first was logged, in milliseconds since the load began. The first of each kind is logged at
   * once.
   */
  readonly firstMs: number;
}

/**
 * Collects the failures of which a gateway of ours writes on standard error. The result is sorted: the most
 * frequent first.
 *
 * @param nowMs a clock that nobody sets back.
 */
export function collectUpstreamFailures(
  nowMs: () => number = () => performance.now(),
): Collector<UpstreamFailure[]> {
  const counted = new Map<string, UpstreamFailure>();
  let startMs = 0;
  return {
    add(line) {
      const parsed = parseFailureLine(line);
      if (parsed === undefined) return;
      const { code, step, count } = parsed;
      const before = counted.get(`${code} ${step}`);
      const firstMs = before?.firstMs ?? Math.round(nowMs() - startMs);
      counted.set(`${code} ${step}`, { code, step, count: (before?.count ?? 0) + count, firstMs });
    },
    async settled(_gateway, signal) {
      // The log gathers failures for GATHER_MS and then writes their number. After a second such time without
      // failures it is quiet, and the next failure of each kind is written at once.
      if (counted.size > 0) await delay(2 * GATHER_MS, { signal });
    },
    begin(now) {
      startMs = now;
      counted.clear();
    },
    result: () => [...counted.values()].sort((a, b) => b.count - a.count),
  };
}

/** How many failures have this code; 0 where there is no list, because the gateway is not ours. */
export function failuresOf(failures: readonly UpstreamFailure[] | undefined, code: string): number {
  return (failures ?? []).filter((failure) => failure.code === code)
    .reduce((sum, { count }) => sum + count, 0);
}

/**
 * Parses a line such as `upstream failed: EADDRNOTAVAIL connect 198.18.0.3:8081 (…) ×12`; see
 * transport/failure_log.ts.
 */
export function parseFailureLine(line: string): Omit<UpstreamFailure, "firstMs"> | undefined {
  const match = /^upstream failed: ([A-Z0-9_]+) (connect|response) .* ×(\d+)$/.exec(line);
  if (match === null) return undefined;
  return { code: match[1]!, step: match[2] as UpstreamFailure["step"], count: Number(match[3]) };
}

/**
 * What a gateway of ours says of its upstream on standard error, added up.
 *
 * @module
 */

import type { Count } from "../figures.ts";
import { GATHER_MS } from "../transport/failure_log.ts";

/** Failures of one kind. */
export interface UpstreamFailure {
  /** The errno's name, such as `EADDRNOTAVAIL`. */
  readonly code: string;
  /** What was being done. */
  readonly step: "connect" | "response";
  /** How many there were. */
  readonly count: Count;
  /** When the first was logged, which is at once, in milliseconds since the load began. */
  readonly firstMs: number;
}

/** Adds up the lines of a gateway's log. */
export interface FailureCount {
  /** Takes a line; one that is not about the upstream is passed over. */
  add(line: string): void;
  /** Resolves when the log has said all that has happened until now. */
  heard(): Promise<void>;
  /** What was counted up to now does not count. `startMs` is when the load begins, by the clock of `nowMs`. */
  begin(startMs: number): void;
  /** What was counted since, the most frequent first. */
  list(): UpstreamFailure[];
}

/** Starts to count. `nowMs` is a clock that nothing turns back. */
export function startFailureCount(nowMs: () => number = () => performance.now()): FailureCount {
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
    async heard() {
      // A log that was busy writes once more what it has gathered, and then the first of each kind at once again.
      if (counted.size > 0) await new Promise((resolve) => setTimeout(resolve, 2 * GATHER_MS));
    },
    begin(now) {
      startMs = now;
      counted.clear();
    },
    list: () => [...counted.values()].sort((a, b) => b.count - a.count),
  };
}

/** How many failures have this code; 0 where there is no list, as of gateways that are not ours. */
export function failuresOf(failures: readonly UpstreamFailure[] | undefined, code: string): number {
  return (failures ?? []).filter((one) => one.code === code).reduce((sum, one) => sum + one.count, 0);
}

/** Parses a line such as `upstream failed: EADDRNOTAVAIL connect 198.18.0.3:8081 (…) ×12`; see transport/failure_log.ts. */
export function parseFailureLine(line: string): Omit<UpstreamFailure, "firstMs"> | undefined {
  const match = /^upstream failed: ([A-Z0-9_]+) (connect|response) .* ×(\d+)$/.exec(line);
  if (match === null) return undefined;
  return { code: match[1]!, step: match[2] as UpstreamFailure["step"], count: Number(match[3]) };
}

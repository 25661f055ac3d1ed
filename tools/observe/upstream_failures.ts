/**
 * How often connections failed for a gateway, from what it logs on standard output and standard error. A
 * gateway that logs nothing, or into a file, cannot be counted.
 *
 * @module
 */

import type { Count } from "../figures.ts";
import { delay } from "@std/async/delay";
import { GATHER_MS } from "../transport/failure_log.ts";
import { showControls } from "../errors.ts";
import { maskSecrets } from "../scenario/mask.ts";
import type { Collector } from "./collector.ts";
import { type FailedStep, type LoggedFailure, parseLoggedFailure } from "./failure_words.ts";

/** Failures of one kind. */
export interface UpstreamFailure extends LoggedFailure {
  /** How many there were. */
  readonly count: Count;
  /**
   * When the first was logged, in milliseconds since the load began. The first of each kind is logged at
   * once.
   */
  readonly firstMs: number;
  /**
   * The first line that said so, at most 300 characters of it, without secrets. Left out for a gateway of
   * ours.
   */
  readonly example?: string;
}

/** Characters that are kept of an example. */
const LONGEST_EXAMPLE = 300;

/** How the lines are read. */
export interface UpstreamFailureOptions {
  /** Whether the gateway is ours, whose log counts every failure in a form of its own. */
  readonly ours: boolean;
  /** Masks the secrets of a line that is kept. Default: those that stand under a name, as in a URL. */
  readonly hide?: (text: string) => string;
  /** A clock that nobody sets back. */
  readonly nowMs?: () => number;
}

/**
 * Collects the failures that a gateway logs. The result is sorted: the most frequent first. Of any gateway
 * but ours, each line that says a failure is one; the lines of one trace, in which an error is repeated as
 * the cause of another, are one together. A gateway that tries again may log each try: HAProxy does, and
 * twice where it is not told to be quiet (`-q`) and logs to standard error as well.
 */
export function collectUpstreamFailures(
  { ours, hide = (text) => text, nowMs = () => performance.now() }: UpstreamFailureOptions,
): Collector<UpstreamFailure[]> {
  const counted = new Map<string, UpstreamFailure>();
  const isRepeated = traceReader();
  let startMs = 0;
  let isOver = false;
  const count = ({ code, step }: LoggedFailure, count: number, line?: string) => {
    const kind = `${code} ${step}`;
    const before = counted.get(kind);
    const example = line === undefined ? {} : { example: shortened(showControls(hide(maskSecrets(line)))) };
    const first = before ?? { code, step, count: 0, firstMs: Math.round(nowMs() - startMs), ...example };
    counted.set(kind, { ...first, count: first.count + count });
  };
  return {
    add(line) {
      if (ours) {
        const parsed = parseFailureLine(line);
        if (parsed !== undefined) count(parsed, parsed.count);
        return;
      }
      if (isOver) return;
      const parsed = parseLoggedFailure(line);
      if (isRepeated(line, parsed) || parsed === undefined) return;
      if (counted.has(`${parsed.code} ${parsed.step}`)) count(parsed, 1);
      else count(parsed, 1, line.trim());
    },
    async settled(_gateway, signal) {
      // The log gathers failures for GATHER_MS and then writes their number. After a second such time without
      // failures it is quiet, and the next failure of each kind is written at once.
      if (ours && counted.size > 0) await delay(2 * GATHER_MS, { signal });
    },
    begin(now) {
      startMs = now;
      counted.clear();
    },
    // Now clients leave, and the gateway is stopped: what comes of that is no failure of the load's.
    over() {
      isOver = true;
    },
    result: () => [...counted.values()].sort((a, b) => b.count - a.count),
  };
}

/**
 * A line that goes on with the trace of an error: indented, or one that Java or Python put between errors.
 */
const GOES_ON = /^(?:\s|$|Caused by: |Suppressed: |Traceback |The above exception|During handling of)/;

/** Says of the line of Python that the error above it is the cause of the one below, or came before it. */
const CHAINS = /^(?:The above exception|During handling of)/;

/**
 * Tells whether a line's failure was counted already, because an earlier line of the same trace has said the
 * same. It is called with every line.
 */
function traceReader(): (line: string, failure: LoggedFailure | undefined) => boolean {
  let inTraceOf: string | undefined;
  let chained = false;
  return (line, failure) => {
    if (inTraceOf === undefined && failure === undefined) return false;
    const goesOn = inTraceOf !== undefined && (chained || GOES_ON.test(line));
    if (CHAINS.test(line)) chained = true;
    if (goesOn && (failure === undefined || failure.code === inTraceOf)) {
      // The last line of a trace that is chained stands at the margin, as any other line does.
      if (!GOES_ON.test(line)) chained = false;
      return failure !== undefined;
    }
    inTraceOf = failure?.code;
    chained = false;
    return false;
  };
}

function shortened(text: string): string {
  return text.length > LONGEST_EXAMPLE ? `${text.slice(0, LONGEST_EXAMPLE)}…` : text;
}

/** How many failures have this code; 0 where there is no list, because the gateway has logged none. */
export function failuresOf(failures: readonly UpstreamFailure[] | undefined, code: string): number {
  return (failures ?? []).filter((failure) => failure.code === code)
    .reduce((sum, { count }) => sum + count, 0);
}

/**
 * Parses a line such as `upstream failed: EADDRNOTAVAIL connect 198.18.0.3:8081 (…) ×12`; see
 * transport/failure_log.ts.
 */
export function parseFailureLine(line: string): LoggedFailure & { readonly count: number } | undefined {
  const match = /^upstream failed: ([A-Z0-9_]+) (connect|response) .* ×(\d+)$/.exec(line);
  if (match === null) return undefined;
  return { code: match[1]!, step: match[2] as FailedStep, count: Number(match[3]) };
}

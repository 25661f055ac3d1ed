/**
 * A log of failures of the upstream that stays short when many requests fail at once.
 *
 * @module
 */

/** A reason for which a request could not be carried to the upstream, or its response not carried back. */
export interface Failure {
  /**
   * The errno's name, such as `ECONNREFUSED`; `ENOTFOUND`, `EOF` or `EPROTO` for a failure that has no errno.
   */
  readonly code: string;
  /** The step that failed. */
  readonly step: "connect" | "response";
  /** What the code means, in words. */
  readonly reason: string;
}

/**
 * Counts failures and writes them out. Disposing it writes the failures that were counted and not yet
 * written.
 */
export interface FailureLog extends Disposable {
  /**
   * Counts one failure. The first of its kind is written at once; further failures of that kind once a
   * second, with their number.
   */
  add(failure: Failure): void;
}

/** Time over which identical failures are gathered into one line, in milliseconds. */
export const GATHER_MS = 1_000;

/**
 * Starts a log of failures.
 *
 * Each line reads `upstream failed: CODE STEP HOST:PORT (REASON) ×N`, and the sum of the `N` of all lines is
 * the number of failures counted.
 */
export function startFailureLog(authority: string, write: (line: string) => void): FailureLog {
  const gathered = new Map<string, number>();
  let timer: ReturnType<typeof setInterval> | undefined;

  const flush = () => {
    for (const [what, count] of gathered) {
      if (count === 0) gathered.delete(what);
      else {
        write(`${what} ×${count}`);
        gathered.set(what, 0);
      }
    }
    if (gathered.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
  return {
    add({ code, step, reason }) {
      const what = `upstream failed: ${code} ${step} ${authority} (${reason})`;
      const count = gathered.get(what);
      if (count === undefined) write(`${what} ×1`);
      gathered.set(what, count === undefined ? 0 : count + 1);
      timer ??= setInterval(flush, GATHER_MS);
    },
    [Symbol.dispose]() {
      flush();
      clearInterval(timer);
    },
  };
}

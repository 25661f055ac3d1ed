/**
 * What a gateway's pool has counted while a load ran, from the lines that the gateway prints.
 *
 * @module
 */

import type { RunningProcess } from "../lab/process.ts";
import { countersSince, parsePoolCounters, type PoolCounters } from "../transport/pool/counters.ts";

/** How long a gateway may take to say what its pool has counted, in milliseconds. */
const ANSWER_LIMIT_MS = 5_000;

/** Keeps the counters that a gateway prints. */
export interface PoolLog {
  /** Takes a line of its standard output; one without counters is passed over. */
  add(line: string): void;
  /**
   * Asks a `net-http` gateway for its counters, by SIGUSR2. What they say until now does not count.
   *
   * @throws {Error} when it does not answer within 5 s.
   */
  read(gateway: RunningProcess): Promise<void>;
  /** What was counted since; `undefined` where nothing was printed, as by gateways that are not ours. */
  counters(): PoolCounters | undefined;
}

/** Starts to listen. */
export function startPoolLog(): PoolLog {
  let before: PoolCounters | undefined;
  let latest: PoolCounters | undefined;
  let printed = Promise.withResolvers<void>();
  return {
    add(line) {
      const counters = parsePoolCounters(line);
      if (counters === undefined) return;
      latest = counters;
      printed.resolve();
    },
    async read(gateway) {
      printed = Promise.withResolvers();
      const late = new Error(`${gateway.name} does not say what its pool has counted`);
      const timer = setTimeout(() => printed.reject(late), ANSWER_LIMIT_MS);
      // A bench that was stopped meanwhile has nothing more to wait for.
      Deno.unrefTimer(timer);
      gateway.signal("SIGUSR2");
      try {
        await printed.promise;
      } finally {
        clearTimeout(timer);
      }
      before = latest;
    },
    counters: () => latest === undefined || before === undefined ? latest : countersSince(before, latest),
  };
}

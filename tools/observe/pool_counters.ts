/**
 * What a gateway's pool has counted while a load ran, from the lines that the gateway prints.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { countersSince, parsePoolCounters, type PoolCounters } from "../transport/pool/counters.ts";
import type { Collector } from "./collector.ts";

/** How long a gateway may take to print its counters after SIGUSR2, in milliseconds. */
const ANSWER_LIMIT_MS = 5_000;

/** How the counters are collected. */
export interface PoolCounterOptions {
  /**
   * Whether the gateway prints its counters upon SIGUSR2, as our `net-http` gateway does. Any other program
   * may end by that signal, so it is never asked.
   */
  readonly asks: boolean;
}

/**
 * Collects the counters of a gateway's pool. The result is `undefined` where the gateway has printed none.
 */
export function collectPoolCounters({ asks }: PoolCounterOptions): Collector<PoolCounters | undefined> {
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
    async settled(gateway, signal) {
      if (!asks) return;
      printed = Promise.withResolvers();
      gateway.signal("SIGUSR2");
      try {
        await deadline(printed.promise, ANSWER_LIMIT_MS, { signal });
      } catch (cause) {
        signal.throwIfAborted();
        throw new Error(`${gateway.name} did not print the counters of its pool`, { cause });
      }
    },
    begin() {
      before = latest;
    },
    result: () => latest === undefined || before === undefined ? latest : countersSince(before, latest),
  };
}

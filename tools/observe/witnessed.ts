/**
 * What our backend has witnessed while a load ran, from the lines that it prints.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import type { Collector } from "./collector.ts";
import type { Witness } from "./witness.ts";

/** How long a backend may take to print what it has witnessed after SIGUSR2, in milliseconds. */
const ANSWER_LIMIT_MS = 5_000;

/** What stands in front of the JSON in the line that a backend prints. */
const PREFIX = "witness ";

/** How the witness is collected. */
export interface WitnessOptions {
  /**
   * Whether the backend prints what it has witnessed upon SIGUSR2, as ours does. Any other program may end by
   * that signal, so it is never asked.
   */
  readonly asks: boolean;
}

/** The line in which a backend says what it has witnessed. */
export function witnessLine(witness: Witness): string {
  return `${PREFIX}${JSON.stringify(witness)}`;
}

/**
 * Collects what a backend has witnessed. Upon each SIGUSR2 the backend prints what it has seen since the
 * signal before, and begins anew. So the signal that follows the warm-up marks the beginning of the load, and
 * {@linkcode Collector.atEnd} asks for what came since. The result is `undefined` where the backend has
 * printed nothing since the load began.
 */
export function collectWitness({ asks }: WitnessOptions): Collector<Witness | undefined> {
  let latest: Witness | undefined;
  let printed = Promise.withResolvers<void>();
  const ask: Collector<unknown>["settled"] = async (backend, signal) => {
    if (!asks) return;
    printed = Promise.withResolvers();
    backend.signal("SIGUSR2");
    try {
      await deadline(printed.promise, ANSWER_LIMIT_MS, { signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw new Error(`${backend.name} did not print what it has witnessed`, { cause });
    }
  };
  return {
    add(line) {
      if (!asks || !line.startsWith(PREFIX)) return;
      latest = JSON.parse(line.slice(PREFIX.length));
      printed.resolve();
    },
    settled: ask,
    atEnd: ask,
    begin() {
      latest = undefined;
    },
    result: () => latest,
  };
}

/**
 * Drives a load to its end, and the warm-up before it.
 *
 * @module
 */

import type { HostName } from "./lab/host.ts";
import type { Lab } from "./lab/lab.ts";
import { lastWords, type RunningProcess } from "./lab/process.ts";
import type { RunningLoad } from "./load/load.ts";
import { readCounters } from "./observe/sampler.ts";
import type { TcpCounters } from "./observe/tcp_counters.ts";

/** How much longer than asked a load may take before it counts as hung, in milliseconds. */
export const LOAD_GRACE_MS = 30_000;

/** How long the last answers of a warm-up are waited for, beside what the backend takes for one, in milliseconds. */
const SETTLE_LIMIT_MS = 2_000;

/** So long no host sends a segment when there is nothing more to answer, beside what the backend takes, in milliseconds. */
const QUIET_MS = 50;

/** Waits for the end of a load, with a limit. A party that ends before it does leaves nothing to measure. */
export async function untilOver(
  load: RunningLoad,
  durationMs: number,
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const limitMs = durationMs + LOAD_GRACE_MS;
  const timer = setTimeout(
    () => reject(new Error(`the load was not over after ${limitMs / 1000} s`)),
    limitMs,
  );
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  let waiting = true;
  for (const { name, exited } of parties) {
    exited.then((status) => {
      if (waiting) reject(new Error(`${name} ended while the load ran: ${lastWords(status)}`));
    });
  }
  try {
    await Promise.race([load.over, promise]);
  } finally {
    waiting = false;
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Runs a load that does not count. Its connections are closed only when the last answers have come: a gateway whose
 * clients leave it in the middle of a request closes its connections to the backend as well, and would have to
 * open them again in the load that counts.
 */
export async function runWarmUp(
  lab: Lab,
  start: () => Promise<RunningLoad>,
  { durationMs, latencyMs }: { readonly durationMs: number; readonly latencyMs: number },
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<void> {
  await using load = await start();
  await untilOver(load, durationMs, parties, signal);
  const deadlineMs = performance.now() + SETTLE_LIMIT_MS + latencyMs;
  for (let sent = -1; performance.now() < deadlineMs;) {
    const now = segmentsSent(await readCounters(lab));
    if (now === sent) break;
    sent = now;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS + latencyMs));
  }
  await load.finish();
}

/** By all hosts; where they share their tables each shows the sum, which serves as well. */
function segmentsSent(counters: Readonly<Record<HostName, TcpCounters>>): number {
  return Object.values(counters).reduce((sum, { segmentsSent }) => sum + segmentsSent, 0);
}

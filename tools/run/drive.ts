/**
 * Drives a load to its end, and the warm-up before it.
 *
 * @module
 */

import { type HostName } from "../scenario/host_names.ts";
import { type BackendPlan, type LoadPlan } from "../scenario/plan.ts";
import type { Lab } from "../lab/lab.ts";
import { reasonOfExit, type RunningProcess } from "../lab/process.ts";
import type { RunningLoad } from "../load/load.ts";
import { readCounters } from "../observe/sampler.ts";
import type { TcpCounters } from "../observe/tcp_counters.ts";

/** How much longer than all that it waits for a load may take before it counts as hung, in milliseconds. */
const LOAD_GRACE_MS = 30_000;

/** How long the last answers of a warm-up are waited for, beside what the backend takes for one, in milliseconds. */
const SETTLE_LIMIT_MS = 2_000;

/** So long no host sends a segment when there is nothing more to answer, beside what the backend takes, in milliseconds. */
const QUIET_MS = 200;

/**
 * How long a load may take before it counts as hung, in milliseconds. An open loop connects before its first request is due, and
 * waits for its last one: each may take as long as its timeout.
 */
export function loadLimitMs({ durationMs, timeoutMs }: Pick<LoadPlan, "durationMs" | "timeoutMs">): number {
  return durationMs + 2 * timeoutMs + LOAD_GRACE_MS;
}

/**
 * Waits for the end of a load, for as long as it may take.
 *
 * @throws {Error} when it is not over by then, or a party ends before; the reason of the signal when that aborts.
 */
export async function untilOver(
  load: RunningLoad,
  limits: Pick<LoadPlan, "durationMs" | "timeoutMs">,
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<void> {
  const limitMs = loadLimitMs(limits);
  const hung = Promise.withResolvers<never>();
  const late = new Error(`the load was not over after ${limitMs / 1000} s`);
  const timer = setTimeout(() => hung.reject(late), limitMs);
  try {
    await whileAllRun(Promise.race([load.over, hung.promise]), parties, signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for something that needs all parties: one that ends leaves nothing to measure, and may leave nothing to wait for.
 *
 * @throws {Error} when one ends before; the reason of the signal when that aborts.
 */
export async function whileAllRun<T>(
  what: Promise<T>,
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  let waiting = true;
  for (const { name, exited } of parties) {
    exited.then((status) => {
      if (waiting) reject(new Error(`${name} ended while the load ran: ${reasonOfExit(status)}`));
    });
  }
  try {
    return await Promise.race([what, promise]);
  } finally {
    waiting = false;
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
  { latencyMs, ...limits }: Pick<LoadPlan, "durationMs" | "timeoutMs"> & Pick<BackendPlan, "latencyMs">,
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<void> {
  await using load = await start();
  await untilOver(load, limits, parties, signal);
  await whileAllRun(untilQuiet(lab, latencyMs, signal), parties, signal);
  await load.finish();
}

/** Waits until no host sends anything more, with a limit. */
async function untilQuiet(lab: Lab, latencyMs: number, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_LIMIT_MS + latencyMs;
  for (let sent = -1; performance.now() < deadlineMs;) {
    const now = segmentsSent(await readCounters(lab));
    if (now === sent) return;
    sent = now;
    if (!await elapsed(QUIET_MS + latencyMs, signal)) return;
  }
}

/** Resolves after so many milliseconds with true, and with false as soon as the signal aborts. */
async function elapsed(ms: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), ms);
  const onAbort = () => resolve(false);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** By all hosts; where they share their tables each shows the sum, which serves as well. */
function segmentsSent(counters: Readonly<Record<HostName, TcpCounters>>): number {
  return Object.values(counters).reduce((sum, { segmentsSent }) => sum + segmentsSent, 0);
}

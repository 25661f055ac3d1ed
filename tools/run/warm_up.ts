/**
 * The warm-up: a load that is not counted, and the wait until nothing of it is left on the way.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { AnyLab } from "../lab/any_lab.ts";
import type { RunningProcess } from "../lab/process.ts";
import type { RunningLoad } from "../load/load.ts";
import { readCounters } from "../observe/sampler.ts";
import type { TcpCounters } from "../observe/tcp_counters.ts";
import type { HostName } from "../scenario/host_names.ts";
import type { BackendPlan } from "../scenario/plan.ts";
import { finishLoad, type LoadTimes, untilOver, whileAllRun } from "./load_end.ts";

/** How long the last answers of a warm-up are waited for, in milliseconds, plus the backend's latency. */
const SETTLE_LIMIT_MS = 2_000;

/**
 * The lab is quiet once no host has sent a segment for this long, in milliseconds, plus the backend's
 * latency.
 */
const QUIET_MS = 200;

/** Time between two looks at it, in milliseconds. */
const LOOK_MS = 40;

/**
 * Runs a load that is not counted. Its connections are closed only after the last answers have come. A
 * gateway whose clients leave in the middle of a request closes its connections to the backend as well, and
 * would have to open them again in the load that counts.
 *
 * @param times those of the warm-up, and the backend's latency.
 * @throws {Error} when the warm-up hangs, or a party ends before it; the reason of the signal when that
 * aborts.
 */
export async function runWarmUp(
  lab: AnyLab,
  start: () => Promise<RunningLoad>,
  { latencyMs, ...times }: LoadTimes & Pick<BackendPlan, "latencyMs">,
  parties: readonly RunningProcess[],
  signal: AbortSignal,
): Promise<void> {
  await using load = await start();
  await untilOver(load, times, parties, signal);
  await whileAllRun(untilQuiet(lab, latencyMs, signal), parties, signal);
  await finishLoad(load);
}

/** Waits until no host sends anything more, or the limit is reached. */
async function untilQuiet(lab: AnyLab, latencyMs: number, signal: AbortSignal): Promise<void> {
  const limitMs = performance.now() + SETTLE_LIMIT_MS + latencyMs;
  let [sent, sinceMs] = [-1, 0];
  while (performance.now() < limitMs) {
    const now = segmentsSent(await readCounters(lab));
    if (now !== sent) [sent, sinceMs] = [now, performance.now()];
    else if (performance.now() - sinceMs >= QUIET_MS + latencyMs) return;
    await delay(LOOK_MS, { signal });
  }
}

/**
 * The segments that all hosts have sent. Hosts that share their tables each show the sum, which tells a quiet
 * lab as well.
 */
function segmentsSent(counters: Readonly<Record<HostName, TcpCounters>>): number {
  return Object.values(counters).reduce((sum, { segmentsSent }) => sum + segmentsSent, 0);
}

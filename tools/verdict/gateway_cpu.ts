/**
 * What the gateway itself uses of the CPUs: the fair comparison of gateways that share them with the load and
 * the backend, and what limits a run whose pool does not.
 *
 * @module
 */

import { type Measured, measuredOf, type Run } from "../results/results.ts";
import { estimateMedian, type Interval } from "./intervals.ts";

/** From this share of its threads' time on, a gateway has no CPU to spare. */
const BUSY = 0.9;

/** CPUs are full where less than this share of their time was left over. */
const FULL = 0.03;

/** The gateway's CPU time in a run. */
export interface GatewayCpu {
  /** Microseconds of CPU time ÷ requests that were answered, of the gateway's processes alone. */
  readonly perRequestUs: Interval;
  /**
   * Whether CPU time is what limits the gateway, in most repetitions: the threads of a gateway of ours were
   * nearly always busy, or all CPUs were, and no other party used as much of them.
   */
  readonly limits: boolean;
}

/** The gateway's CPU time; `undefined` for a direct run, and where nothing was answered. */
export function gatewayCpuOf(run: Run): GatewayCpu | undefined {
  const { gateway } = run.options;
  if (gateway === null) return undefined;
  const answered = measuredOf(run).filter(({ requests, processes }) =>
    requests > 0 && processes.gateway !== null
  );
  const perRequestUs = estimateMedian(
    answered.map(({ requests, processes }) => processes.gateway!.cpuSec * 1e6 / requests),
  );
  if (perRequestUs === undefined) return undefined;
  const threads = "transport" in gateway ? gateway.workers : undefined;
  const limited = answered.filter((repetition) => isLimited(repetition, threads)).length;
  return { perRequestUs, limits: limited > answered.length / 2 };
}

function isLimited({ processes, durationSec, machine }: Measured, threads: number | undefined): boolean {
  const { gateway, load, backend } = processes;
  const used = gateway!.cpuSec;
  if (threads !== undefined && used >= BUSY * threads * durationSec) return true;
  return machine !== null && machine.idle < FULL && used >= Math.max(load.cpuSec, backend?.cpuSec ?? 0);
}

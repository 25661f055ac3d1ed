/** Results of sweeps and bisections, with every figure made up. */

import {
  type Measured,
  type Repetition,
  type Results,
  type Run,
  type Watching,
} from "../../tools/results/results.ts";
import type { FindPlan } from "../../tools/scenario/find.ts";
import type { HostName } from "../../tools/scenario/host_names.ts";
import { pool, repetition, results, run } from "./made_up_results.ts";

/** Requests of a made-up repetition. */
const REQUESTS = 8000;

/** A repetition that opened this share of its requests' number of connections. */
export function opening(share: number, more: Partial<Watching<HostName>> = {}): Watching<HostName> {
  return repetition(REQUESTS / 8, { opened: share * REQUESTS, timeWait: Math.round(share * 5000), ...more });
}

/** A run of a series at one value. */
export function at(
  series: string,
  name: "connections" | "ratePerSec" | "latencyMs" | "poolMaxIdlePerHost",
  value: number,
  repetitions: Repetition[],
  { direct = false, beatMs }: { readonly direct?: boolean; readonly beatMs?: number } = {},
): Run {
  const one = run(`${series} ${name}=${value}`, repetitions, direct ? null : pool(100));
  const { options } = one;
  const isOfLoad = name === "connections" || name === "ratePerSec";
  return {
    ...one,
    baseline: false,
    series,
    swept: [{ name, value }],
    options: {
      ...options,
      load: {
        ...options.load,
        ...(isOfLoad ? { [name]: value } : {}),
        ...(beatMs === undefined ? {} : { beatMs }),
      },
    },
  };
}

/** A document of these runs, the first of which is the baseline. */
export function sweepResults(runs: Run[], more: Partial<Results> = {}): Results {
  return results(runs.map((one, i) => ({ ...one, baseline: i === 0 })), more);
}

/** What a bisection of a made-up document looked for. */
export const FIND: FindPlan = { name: "connections", low: 1, high: 1000, promised: [] };

/** A document of a bisection. */
export function foundResults(runs: Run[], find: FindPlan = FIND): Results {
  return sweepResults(runs, { method: { repeat: 1, until: null, find } });
}

/**
 * A repetition in which all connections were sent on together, and a pool kept so many of them.
 *
 * @param times how often they were sent.
 */
export function together(
  connections: number,
  kept: number,
  { times = 6, maxUs = 100_000 }: { readonly times?: number; readonly maxUs?: number } = {},
): Measured {
  const requests = connections * times;
  const one = repetition(requests / 8, {
    opened: connections + (times - 1) * Math.max(0, connections - kept),
  });
  return { ...one, requests, latencyUs: { ...one.latencyUs, max: maxUs } };
}

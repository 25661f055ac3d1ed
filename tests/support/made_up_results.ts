/** A results document with every figure made up, to test the report with. */

import { type HostResult, type HostSeries } from "../../tools/observe/series.ts";
import { type HostName } from "../../tools/scenario/host_names.ts";
import { type GatewayPlan } from "../../tools/scenario/plan.ts";
import { resolveBackend, resolveLoad } from "../../tools/scenario/resolve.ts";
import {
  type Repetition,
  type Results,
  type Run,
  SCHEMA,
  type Watching,
} from "../../tools/results/results.ts";

/** Of a load in which nothing went wrong. */
export const NO_ERRORS = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };
const QUIET: HostResult = {
  timeWaitPeak: 0,
  timeWaitEntered: 0,
  connectionsOpened: 0,
  portsUsedPeak: 0,
  timeWaitReused: 0,
  timeWaitOverflowed: 0,
  listenDrops: 0,
  timeWaitGroups: [],
};

/** A repetition through a gateway; without `opened`, a direct one. */
export function repetition(
  requestsPerSec: number,
  { opened, timeWait = 0, ...more }: { opened?: number; timeWait?: number } & Partial<Watching<HostName>> =
    {},
): Watching<HostName> {
  const gateway: HostResult = {
    ...QUIET,
    connectionsOpened: opened ?? 0,
    timeWaitPeak: timeWait,
    timeWaitEntered: timeWait,
    timeWaitGroups: timeWait === 0 ? [] : [{ side: "opened", service: "198.18.0.3:8081", timeWait }],
  };
  const client: HostResult = { ...QUIET, connectionsOpened: 1001 };
  const requests = requestsPerSec * 8;
  const usage = { cpuSec: 4, rssPeakBytes: 2 ** 27 };
  const idle: HostSeries = { timeWait: [0, 0, 0], established: [0, 0, 0], connectionsOpened: [0, 0, 0] };
  const busy: HostSeries = {
    ...idle,
    timeWait: [0, Math.floor(timeWait / 2), timeWait],
    connectionsOpened: [0, (opened ?? 0) - Math.ceil(timeWait / 2), opened ?? 0],
  };
  const hosts: Record<HostName, HostSeries> = { client: idle, gateway: busy, backend: idle };
  return {
    startedMs: 0,
    requests,
    requestsPerSec,
    durationSec: 8,
    bytesRead: requests * 128,
    latencyUs: {
      mean: 75_000,
      p50: 73_000,
      p75: 74_000,
      p90: 76_000,
      p99: 101_000,
      p999: 116_000,
      max: 117_000,
    },
    latencyHistogram: { us: [73_215, 101_119, 117_247], count: [requests - 2, 1, 1] },
    errors: NO_ERRORS,
    reuseRatio: opened === undefined ? null : 1 - opened / requests,
    hosts: { client, gateway, backend: QUIET },
    processes: {
      gateway: opened === undefined ? null : usage,
      backend: usage,
      load: usage,
      sampler: { ...usage, cpuSec: 0.056 },
    },
    machine: { others: 0.01, bench: 0.6, interrupts: 0.1, idle: 0.29, steal: 0, loadAverageBefore: 0.2 },
    samples: { timeMs: [0, 4000, 8000], hosts, answered: { timeMs: [0, 8000], requests: [0, requests] } },
    ...more,
  };
}

/** A run of these repetitions. */
export function run(name: string, repetitions: Repetition[], gateway: GatewayPlan | null = pool(100)): Run {
  const load = { ...resolveLoad() };
  return {
    name,
    baseline: name === "direct",
    options: { gateway, backend: { ...resolveBackend(), latencyMs: 70 }, load },
    repetitions,
  };
}

/** A gateway of ours that keeps this many idle connections. */
export function pool(poolMaxIdlePerHost: number): GatewayPlan {
  return { transport: "http-client", poolMaxIdlePerHost, poolIdleTimeoutMs: 90_000, workers: 1 };
}

/** A document of these runs. */
export function results(runs: Run[], more: Partial<Results> = {}): Results {
  return {
    schema: SCHEMA,
    scenario: "undersized_pool",
    question: "What does a pool that is too small cost?",
    expectation: "Much.",
    command: "deno task bench undersized_pool",
    startedAt: "2026-11-22T12:00:00.000Z",
    seed: 1,
    method: { repeat: 3, until: null },
    interrupted: false,
    environment: {
      timewait: "0.1.0",
      deno: "2.9.6",
      kernel: "6.18.0",
      cpus: 2,
      cpuModel: "a processor",
      memoryBytes: 24 * 2 ** 30,
      governors: [],
      load: { name: "wrk", version: "4.1.0" },
      lab: { kind: "private" },
      sysctls: { "net.ipv4.tcp_tw_reuse": "2", "net.ipv4.ip_local_port_range": "32768 60999" },
    },
    runs,
    ...more,
  };
}

/** A document of runs of which only the requests per second matter; the first is direct and the baseline. */
export function resultsOf(requestsPerSec: Record<string, readonly number[]>): Results {
  const [baseline] = Object.keys(requestsPerSec);
  return results(
    Object.entries(requestsPerSec).map(([name, values]) => {
      const direct = name === baseline;
      const repetitions = values.map((value) => repetition(value, direct ? {} : { opened: 9 }));
      return { ...run(name, repetitions, direct ? null : pool(100)), baseline: direct };
    }),
  );
}

/**
 * Results made up from requests per second, for tests.
 *
 * @module
 */

import type { HostResult, Measured, Results } from "../../tools/results/results.ts";

const IDLE: HostResult = {
  timeWaitPeak: 0,
  timeWaitEntered: 0,
  connectionsOpened: 0,
  portsUsedPeak: 0,
  timeWaitReused: 0,
  timeWaitOverflowed: 0,
  listenDrops: 0,
  timeWaitGroups: [],
};

/** A repetition of 5 s in which nothing else is worth a word. */
export function measuredAt(requestsPerSec: number, differs: Partial<Measured> = {}): Measured {
  const usage = { cpuSec: 1, rssPeakBytes: 1 };
  const series = { timeWait: [0, 5], established: [0, 10], connectionsOpened: [0, 10] };
  return {
    startedMs: 0,
    requests: requestsPerSec * 5,
    requestsPerSec,
    durationSec: 5,
    bytesRead: 0,
    latencyUs: { mean: 100, p50: 100, p75: 100, p90: 100, p99: 100, p999: 100, max: 100 },
    latencyHistogram: { us: [100], count: [requestsPerSec * 5] },
    errors: { connect: 0, read: 0, write: 0, timeout: 0, status: 0 },
    reuseRatio: 1,
    hosts: { client: IDLE, gateway: IDLE, backend: IDLE },
    processes: { gateway: usage, backend: usage, load: usage, sampler: { cpuSec: 0.01, rssPeakBytes: 1 } },
    machine: { others: 0, bench: 0.4, interrupts: 0.1, idle: 0.5, steal: 0, loadAverageBefore: 0.1 },
    samples: {
      timeMs: [0, 5000],
      hosts: { client: series, gateway: series, backend: series },
      answered: { timeMs: [0, 2500, 5000], requests: [0, requestsPerSec * 2.5, requestsPerSec * 5] },
    },
    ...differs,
  };
}

/** Results with these runs, the first of which is the baseline and direct. A text is the reason of a failure. */
export function resultsOf(runs: Record<string, readonly (number | string | Measured)[]>): Results {
  return {
    schema: "timewait.results/2",
    scenario: "made_up",
    question: "What does a made-up run cost?",
    expectation: "Nothing.",
    command: "deno task bench made_up",
    startedAt: "2026-11-22T12:00:00.000Z",
    seed: 1,
    method: { repeat: 5, warmUpMs: 1000, until: null },
    environment: {
      timewait: "0.1.0",
      deno: "2.9.6",
      kernel: "6.18.0",
      cpus: 2,
      cpuModel: "made up",
      memoryBytes: 1024 ** 3,
      governors: [],
      load: { name: "wrk", version: "4.1.0" },
      lab: { kind: "private" },
      sysctls: { "net.ipv4.ip_local_port_range": "32768 60999" },
    },
    interrupted: false,
    runs: Object.entries(runs).map(([name, repetitions], i) => ({
      name,
      baseline: i === 0,
      options: {
        gateway: i === 0
          ? null
          : { transport: "http-client", poolMaxIdlePerHost: 100, poolIdleTimeoutMs: 90_000 },
        backend: { latencyMs: 0, bodyBytes: 12, status: 200 },
        load: { connections: 10, threads: 2, durationMs: 5000, timeoutMs: 2000, headers: [] },
      },
      repetitions: repetitions.map((one) =>
        typeof one === "number" ? measuredAt(one) : typeof one === "string" ? { failed: one } : one
      ),
    })),
  };
}

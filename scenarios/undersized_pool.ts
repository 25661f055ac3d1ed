/**
 * A gateway keeps 100 connections to its backend for 1,000 clients, then 1,000.
 *
 *     deno task bench undersized_pool
 */

import type { Scenario } from "timewait";

export default {
  question: "What does a gateway's connection pool cost when it is smaller than the concurrency?",
  expectation:
    "pool-100 opens a connection for every few requests and leaves thousands of sockets in TIME_WAIT on " +
    "the gateway; pool-1000 next to none; both serve fewer requests than direct.",
  load: { connections: 1000 },
  // As far away as the backend of the incident of 2016: 1,000 connections make some 13,000 requests/s then.
  backend: { latency: "70ms" },
  runs: [
    { name: "direct" },
    { name: "pool-100", gateway: { poolMaxIdlePerHost: 100 } },
    { name: "pool-1000", gateway: { poolMaxIdlePerHost: 1000 } },
  ],
} satisfies Scenario;

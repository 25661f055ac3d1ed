#!/usr/bin/env -S timewait bench
/**
 * A gateway keeps 100 connections to its backend for 1,000 clients, then 1,000.
 *
 * What to do with the answer: a pool must hold as many idle connections as there are requests in flight.
 * Where your gateway's is smaller, raise it; my_gateway.ts measures your own.
 *
 *     deno task bench undersized_pool
 *     deno task bench undersized_pool --connections 80
 */

import type { Scenario } from "timewait";

export default {
  question: "What does a gateway's connection pool cost when it is smaller than the concurrency?",
  expectation:
    "pool-100 opens a connection for every few requests and leaves thousands of sockets in TIME_WAIT on " +
    "the gateway, and serves fewer requests than pool-1000, which opens next to none.",
  load: { connections: 1000 },
  // With it 1,000 connections make some 7,000 requests/s. A single thread of the gateway can forward as many,
  // so that what is measured is its pool, and not its CPU.
  backend: { latency: "140ms" },
  runs: [
    { name: "direct" },
    { name: "pool-100", gateway: { poolMaxIdlePerHost: 100 } },
    { name: "pool-1000", gateway: { poolMaxIdlePerHost: 1000 } },
  ],
} satisfies Scenario;

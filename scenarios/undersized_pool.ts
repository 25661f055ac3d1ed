/**
 * Question: what does a gateway's connection pool cost when it is smaller than the concurrency?
 *
 * Expected: straight at the backend the most requests; through a gateway that keeps 100 connections for 1,000
 * clients fewer, and thousands of sockets in TIME_WAIT on the gateway; through one that keeps 1,000, next to none.
 *
 *     deno task bench undersized_pool
 */

import { mainFor } from "../tools/bench.ts";
import { runAsScript } from "../tools/cli/command_line.ts";
import type { Scenario } from "../tools/scenario/scenario.ts";

export const scenario: Scenario = {
  name: "undersized_pool",
  question: "What does a gateway's connection pool cost when it is smaller than the concurrency?",
  expectation:
    "pool-100 opens a connection for every few requests and leaves thousands of sockets in TIME_WAIT on " +
    "the gateway; pool-1000 next to none; both serve fewer requests than direct.",
  baseline: "direct",
  load: { connections: 1000 },
  backend: { latencyMs: 70 },
  runs: [
    { name: "direct" },
    { name: "pool-100", gateway: { transport: "http-client", poolMaxIdlePerHost: 100 } },
    { name: "pool-1000", gateway: { transport: "http-client", poolMaxIdlePerHost: 1000 } },
  ],
};

if (import.meta.main) runAsScript(mainFor(scenario));

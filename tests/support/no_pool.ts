/** A gateway that keeps no connection, under a load that leaves the CPUs to others. */

import { type Scenario } from "../../tools/scenario/scenario.ts";

export default {
  question: "What does a gateway without a pool leave?",
  expectation: "A TIME_WAIT for each request.",
  baseline: "no-pool",
  load: { connections: 20, threads: 1, warmUp: 0, duration: 1_000 },
  backend: { latency: 50 },
  runs: [{ name: "no-pool", gateway: { poolMaxIdlePerHost: 0 } }],
} satisfies Scenario;

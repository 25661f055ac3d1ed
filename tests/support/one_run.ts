/** The smallest scenario: a second of load, straight at the backend. */

import { type Scenario } from "../../tools/scenario/scenario.ts";

export default {
  question: "Does it run?",
  expectation: "It does.",
  baseline: "direct",
  load: { connections: 10, threads: 1, warmUp: 0, duration: 1_000 },
  backend: { latency: 10 },
  runs: [{ name: "direct" }],
} satisfies Scenario;

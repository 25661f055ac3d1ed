/** The smallest scenario that there is: a second of load, straight at the backend. */

import { type Scenario } from "../../tools/scenario/scenario.ts";

export const scenario: Scenario = {
  name: "one_run",
  question: "Does it run?",
  expectation: "It does.",
  baseline: "direct",
  load: { connections: 10, threads: 1, warmUpMs: 0, durationMs: 1_000 },
  backend: { latencyMs: 10 },
  runs: [{ name: "direct" }],
};

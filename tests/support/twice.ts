/** The same thing under two names, measured as cheaply as can be: for benches of many repetitions. */

import { type Scenario } from "../../tools/scenario/scenario.ts";

export default {
  question: "Does it run as fast again?",
  expectation: "It does.",
  baseline: "direct",
  load: { connections: 10, threads: 1, warmUp: 0, duration: "1s" },
  backend: { latency: "100ms" },
  runs: [{ name: "direct" }, { name: "again" }],
} satisfies Scenario;

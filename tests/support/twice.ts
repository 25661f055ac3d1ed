/** The same thing under two names, measured as briefly as can be: for benches of many repetitions. */

import { type Scenario } from "../../tools/scenario/scenario.ts";

export default {
  question: "Does it run as fast again?",
  expectation: "It does.",
  baseline: "direct",
  load: { connections: 20, warmUp: 0, duration: "200ms", rate: 200 },
  runs: [{ name: "direct" }, { name: "again" }],
} satisfies Scenario;

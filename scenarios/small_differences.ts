#!/usr/bin/env -S timewait bench
/**
 * A load that leaves the CPUs mostly idle, for differences of a few percent: here what it costs to open a
 * connection for each request. A load that uses all CPUs hides them, because what each party gets of the CPUs
 * changes from one repetition to the next. Here the requests/s of one gateway varied by 3 to 4% (the standard
 * deviation in two self-checks of 10 rounds), while other programs used up to 60% of the two CPUs.
 *
 * What to do with the answer: believe small figures from here rather than from a saturated bench. They are
 * about how long a request takes, not about how many a gateway can serve at most: of the 5 ms that the
 * backend takes no gateway can save any, so a gateway that needs 5% more time shows as much less than 5%.
 *
 *     deno task bench small_differences
 *     deno task bench small_differences --checkout HEAD
 */

import type { Scenario } from "timewait";

export default {
  question: "What does a new connection for each request cost a gateway that is not busy?",
  expectation: "A few percent: the time that it takes to connect, beside the 5 ms of the backend.",
  load: { connections: 8 },
  backend: { latency: "5ms" },
  runs: [
    { name: "pool-fits", gateway: { poolMaxIdlePerHost: 8 } },
    { name: "no-pool", gateway: { poolMaxIdlePerHost: 0 } },
  ],
} satisfies Scenario;

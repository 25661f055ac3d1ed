#!/usr/bin/env -S timewait bench
/**
 * What gave the pool of 2016 away: the number of wrk's connections, turned up and down. With 50 of them no
 * TIME_WAIT, with 200 thousands, although `MaxIdleConnsPerHost` was 200: the pool held 100, because
 * `MaxIdleConns` had stayed at its default.
 *
 * What to do with the answer: the knee is the size that a pool has in fact. Where it is below the concurrency
 * of your gateway, raise the limit that holds it down. `--find connections` finds the size of any gateway's
 * pool from outside, within 10%.
 *
 *     deno task bench sweep
 *     deno task bench sweep --connections 200
 *     deno task bench sweep --find connections=20..200
 */

import type { Scenario } from "timewait";

export default {
  question: "Up to how many connections does a pool of 200 per host and 100 in all hold them?",
  expectation:
    "200-100 keeps its connections up to 100, and above opens the more the more there are; 1000-1000 " +
    "keeps them at each number.",
  sweep: { connections: [50, 100, 200, 500, 1000] },
  load: { script: "peers/post.lua" },
  // As far away as the backend of the incident.
  backend: { latency: "70ms" },
  runs: [
    { name: "direct" },
    // One thread, and so one pool, as Go has.
    {
      name: "200-100",
      gateway: { transport: "net-http", maxIdleConnsPerHost: 200, maxIdleConns: 100, workers: 1 },
    },
    {
      name: "1000-1000",
      gateway: { transport: "net-http", maxIdleConnsPerHost: 1000, maxIdleConns: 1000, workers: 1 },
    },
  ],
} satisfies Scenario;

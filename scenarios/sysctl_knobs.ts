#!/usr/bin/env -S timewait bench
/**
 * What the web recommends against TIME_WAIT, one knob a run, on a gateway whose pool keeps 2 idle connections
 * and whose range of ports is narrow.
 *
 * What to do with the answer: leave the knobs alone and enlarge the pool. Where that takes time, a wider
 * range of ports or `tcp_tw_reuse = 1` bridges it.
 *
 * Nine runs nine times take some nine minutes. Two repetitions are enough for the verdicts.
 *
 *     deno task bench sysctl_knobs
 *     deno task bench sysctl_knobs --repeat 2
 */

import type { Scenario } from "timewait";

const gateway = { poolMaxIdlePerHost: 2 };

export default {
  question: "Which of the sysctls recommended against TIME_WAIT help a gateway whose pool is too small?",
  expectation:
    "no sysctl makes the gateway open fewer connections; two of them keep it from running out of ports for a " +
    "while, the others do nothing or harm; a pool that fits needs none.",
  // 2,000 ports last some two seconds of six; a warm-up would use them up before anything is counted.
  load: { connections: 100, warmUp: 0, duration: "6s" },
  // Slow enough that a busy machine opens connections at an even rate.
  backend: { latency: "50ms" },
  // Every run begins with these, and changes what its name says.
  sysctls: { "net.ipv4.ip_local_port_range": "20000 21999", "net.ipv4.tcp_tw_reuse": 0 },
  runs: [
    { name: "reuse-0", gateway },
    { name: "reuse-1", gateway, sysctls: { "net.ipv4.tcp_tw_reuse": 1 } },
    { name: "reuse-2", gateway, sysctls: { "net.ipv4.tcp_tw_reuse": 2 } },
    { name: "recycle", gateway, sysctls: { "net.ipv4.tcp_tw_recycle": 1 } },
    { name: "fin-timeout-5", gateway, sysctls: { "net.ipv4.tcp_fin_timeout": 5 } },
    { name: "max-buckets-500", gateway, sysctls: { "net.ipv4.tcp_max_tw_buckets": 500 } },
    {
      name: "no-timestamps",
      gateway,
      sysctls: { "net.ipv4.tcp_timestamps": 0, "net.ipv4.tcp_tw_reuse": 1 },
    },
    { name: "wide-range", gateway, sysctls: { "net.ipv4.ip_local_port_range": "1024 65535" } },
    { name: "pool-fits", gateway: { poolMaxIdlePerHost: 100 } },
  ],
} satisfies Scenario;

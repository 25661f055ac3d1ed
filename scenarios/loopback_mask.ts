#!/usr/bin/env -S timewait bench
/**
 * Linux has `tcp_tw_reuse = 2` by default: a new connection may take the place of a TIME_WAIT on loopback,
 * and nowhere else. So a test on 127.0.0.1 shows no failure where the same gateway fails across a network.
 *
 * The hosts of a loopback run are one network namespace, whose 127.0.0.1 is not the machine's.
 *
 * What to do with the answer: do not trust a load test on one machine. Give its parties networks of their
 * own, as a private lab does, or set `tcp_tw_reuse` to 0 or 1 for it.
 *
 *     deno task bench loopback_mask
 */

import type { Scenario } from "timewait";

export default {
  question: "Why does a test on 127.0.0.1 not show the ports running out?",
  expectation:
    "with tcp_tw_reuse = 2, the default, the ports run out across the lab and not on loopback; with 0 they " +
    "run out on loopback as well.",
  // 2,000 ports last some two seconds of six; a warm-up would use them up before anything is counted.
  load: { connections: 100, warmUp: 0, duration: "6s" },
  // Slow enough that a busy machine opens connections at an even rate.
  backend: { latency: "50ms" },
  sysctls: { "net.ipv4.ip_local_port_range": "20000 21999", "net.ipv4.tcp_tw_reuse": 2 },
  runs: [
    { name: "across", gateway: { poolMaxIdlePerHost: 2 }, loopback: false },
    { name: "loopback", gateway: { poolMaxIdlePerHost: 2 }, loopback: true },
    {
      name: "loopback-reuse-0",
      gateway: { poolMaxIdlePerHost: 2 },
      loopback: true,
      sysctls: { "net.ipv4.tcp_tw_reuse": 0 },
    },
  ],
} satisfies Scenario;

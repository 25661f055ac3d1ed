#!/usr/bin/env -S timewait bench
/**
 * The gateway's pool keeps 2 idle connections, the default of Go's `http.Transport`. Nearly every request
 * opens a connection, and each connection holds a port for the 60 s of TIME_WAIT. The range of ports is
 * narrow here, so that it is used up within seconds; by default Linux has 28,232.
 *
 * What to do with the answer: enlarge the pool. `tcp_tw_reuse` is for the time until then: the requests go
 * through, and each still pays for a connection.
 *
 *     deno task bench port_exhaustion
 *
 * The same question, asked of another gateway (its own command line goes behind `mine=`):
 *
 *     deno task bench port_exhaustion --gateway 'mine=scenarios/peers/start.sh go \
 *       {listen_host} {listen_port} {upstream_host} {upstream_port} 2'
 */

import type { Scenario } from "timewait";

export default {
  question: "When does a gateway run out of ephemeral ports, and what helps?",
  expectation:
    "reuse-0 fails with EADDRNOTAVAIL at the predicted second, after its connects have become slow; reuse-1 " +
    "does not fail and opens as many connections; pool-fits opens next to none, and needs no knob.",
  // 3,000 ports last a few seconds of ten; a warm-up would use them up before anything is counted.
  load: { connections: 100, warmUp: 0, duration: "10s" },
  // Slow enough that a busy machine opens connections at an even rate.
  backend: { latency: "50ms" },
  sysctls: { "net.ipv4.ip_local_port_range": "20000 22999", "net.ipv4.tcp_tw_reuse": 0 },
  probeConnects: true,
  runs: [
    { name: "reuse-0", gateway: { poolMaxIdlePerHost: 2 } },
    { name: "reuse-1", gateway: { poolMaxIdlePerHost: 2 }, sysctls: { "net.ipv4.tcp_tw_reuse": 1 } },
    { name: "pool-fits", gateway: { poolMaxIdlePerHost: 100 } },
  ],
} satisfies Scenario;

#!/usr/bin/env -S timewait bench
/**
 * Four backends behind one pool. Each host may keep all the connections it needs; the limit for all hosts
 * together is lower, and closes the least recently used connection of another host.
 *
 * What to do with the answer: a limit in all (`MaxIdleConns` in Go) must be the sum over the hosts. A limit
 * per worker, as nginx has, is multiplied by the workers instead.
 *
 * It takes Go: apt-get install golang-go
 *
 *     deno task bench many_backends
 *     deno task bench many_backends --connections 40
 */

import type { Scenario } from "timewait";

const start =
  "UPSTREAMS={upstreams} {folder}/peers/start.sh misuse {listen_host} {listen_port} {upstream_host} {upstream_port}";

export default {
  question: "What does a limit of 50 idle connections in all come to with four backends?",
  expectation:
    "the runs with 50 in all open connections all the time, although each host may keep 200; those with 800 " +
    "open next to none once they are warm.",
  load: { connections: 200 },
  backend: { latency: "20ms" },
  backends: 4,
  baseline: "net-http-800",
  runs: [
    {
      name: "net-http-800",
      gateway: { transport: "net-http", maxIdleConnsPerHost: 200, maxIdleConns: 800, workers: 1 },
    },
    {
      name: "net-http-50",
      gateway: { transport: "net-http", maxIdleConnsPerHost: 200, maxIdleConns: 50, workers: 1 },
    },
    { name: "go-800", gateway: { command: `${start} 200 800` } },
    { name: "go-50", gateway: { command: `${start} 200 50` } },
  ],
} satisfies Scenario;

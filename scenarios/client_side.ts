#!/usr/bin/env -S timewait bench
/**
 * Thousands of TIME_WAITs on a gateway whose pool fits: they are those of its clients' connections, on its
 * listening port. They take none of its ephemeral ports.
 *
 * What to do with the answer: leave the pool alone. Turn keep-alive on at the listener where the gateway
 * closes (`keepalive_timeout` of nginx), and in the clients where they ask for the end.
 *
 * It takes nginx: apt-get install nginx-light
 *
 *     deno task bench client_side
 *     deno task bench client_side --connections 300
 */

import type { Scenario } from "timewait";

const start =
  "{folder}/peers/start.sh nginx {listen_host} {listen_port} {upstream_host} {upstream_port} 1000";

export default {
  question: "Are a gateway's TIME_WAITs those of its clients?",
  expectation:
    "listener-closes and clients-ask open a connection of a client for each request and next to none to the " +
    "backend; kept opens neither once it is warm.",
  load: { connections: 50 },
  backend: { latency: "20ms" },
  baseline: "kept",
  runs: [
    { name: "kept", gateway: { command: start } },
    { name: "listener-closes", gateway: { command: `CLIENTS=0 ${start}` } },
    { name: "clients-ask", gateway: { command: start }, load: { headers: ["Connection: close"] } },
  ],
} satisfies Scenario;

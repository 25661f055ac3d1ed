/**
 * Your own gateway: put its command line below. {listen} becomes the HOST:PORT that it must listen on,
 * {upstream} the http://HOST:PORT of the backend. The command must stay in the foreground.
 *
 *     deno task bench my_gateway
 *     deno task bench ./my_gateway.ts
 */

import type { Scenario } from "timewait";

const gateway = {
  command: "{folder}/peers/start.sh go {listen_host} {listen_port} {upstream_host} {upstream_port} 100",
};

export default {
  question: "Does the pool of my gateway fit its load?",
  expectation:
    "with few connections it opens none once it is warm; with many it opens some only if its pool is too small, " +
    "and then, on few ports, its requests fail.",
  load: { connections: 500 },
  backend: { latency: "50ms" },
  runs: [
    { name: "direct" },
    // Fewer connections than any pool keeps: what the gateway costs by itself.
    { name: "few-connections", gateway, load: { connections: 20 } },
    { name: "many-connections", gateway },
    // The same with few ports and no reuse of TIME_WAITs: a pool that is too small runs out of them within
    // seconds.
    {
      name: "few-ports",
      gateway,
      sysctls: { "net.ipv4.ip_local_port_range": "20000 21999", "net.ipv4.tcp_tw_reuse": 0 },
    },
  ],
} satisfies Scenario;

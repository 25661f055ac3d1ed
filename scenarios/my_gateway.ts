#!/usr/bin/env -S timewait bench
/**
 * Does the pool of your own gateway fit? Put its command line below, and the number of requests that are in
 * flight at your busiest time into `connections`.
 *
 * What to do with the answer: where `many-connections` opens connections all the time and `few-connections`
 * does not, the pool is smaller than the concurrency, and `few-ports` shows how that ends. Raise the setting
 * and measure again.
 *
 *     deno task bench my_gateway
 *     deno task bench scenarios/my_gateway.ts --connections 100
 */

import type { Scenario } from "timewait";

/**
 * Change this line. The command must stay in the foreground, listen on {listen}, and send every request on to
 * {upstream}: HOST:PORT and http://HOST:PORT, which differ from run to run. {listen_host}, {listen_port},
 * {upstream_host} and {upstream_port} are their parts; {folder} is the folder of this file. For example:
 *
 *     /opt/gateway --listen {listen} --upstream {upstream}
 *     LISTEN={listen} UPSTREAM={upstream} node /opt/gateway/server.js
 *     {folder}/peers/start.sh nginx {listen_host} {listen_port} {upstream_host} {upstream_port} 100
 *
 * The last one is for a gateway with a configuration file: peers/nginx.conf holds such placeholders, and
 * peers/start.sh fills them in. Put your own directives there. As it stands, this is a proxy in Go that keeps
 * 100 idle connections: apt-get install golang-go
 */
const command = "{folder}/peers/start.sh go {listen_host} {listen_port} {upstream_host} {upstream_port} 100";

const gateway = { command };

export default {
  question: "Does the pool of my gateway fit its load?",
  expectation:
    "with few connections it opens none once it is warm; with many it opens some only if its pool is too small, " +
    "and then, on few ports, its requests fail.",
  load: { connections: 500 },
  backend: { latency: "50ms" },
  runs: [
    { name: "direct" },
    // Fewer connections than nearly any pool keeps: what the gateway costs by itself.
    { name: "few-connections", gateway, load: { connections: 20 } },
    { name: "many-connections", gateway },
    // 2,000 ports and no reuse of TIME_WAITs: a pool that is too small runs out of them within seconds.
    {
      name: "few-ports",
      gateway,
      sysctls: { "net.ipv4.ip_local_port_range": "20000 21999", "net.ipv4.tcp_tw_reuse": 0 },
    },
  ],
} satisfies Scenario;

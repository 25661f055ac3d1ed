#!/usr/bin/env -S timewait bench
/**
 * Connections that end after a number of requests, by the gateway's limit or by the backend's. Each ends at
 * exactly that number, which tells it from a pool that is too small.
 *
 * What to do with the answer: raise the limit of the side that the report names, `keepalive_requests` of
 * nginx or that of the backend. Where it is there on purpose, to spread connections anew, the report says
 * what that costs.
 *
 * It takes nginx and Go: apt-get install nginx-light golang-go
 *
 *     deno task bench request_limit
 *     deno task bench request_limit --connections 300
 */

import type { Scenario } from "timewait";

const where = "{listen_host} {listen_port} {upstream_host} {upstream_port} 1000";
const nginx = `{folder}/peers/start.sh nginx ${where}`;
const go = `{folder}/peers/start.sh go ${where}`;

export default {
  question: "What does a limit of requests in each connection cost, and whose is it?",
  expectation:
    "the runs with a limit open one connection for every ten requests; unlimited opens next to none once it " +
    "is warm.",
  load: { connections: 50 },
  backend: { latency: "20ms" },
  baseline: "unlimited",
  runs: [
    { name: "unlimited", gateway: { command: nginx } },
    { name: "nginx-10", gateway: { command: `REQUESTS=10 ${nginx}` } },
    { name: "backend-10-nginx", gateway: { command: nginx }, backend: { closeAfterRequests: 10 } },
    { name: "backend-10-go", gateway: { command: go }, backend: { closeAfterRequests: 10 } },
  ],
} satisfies Scenario;

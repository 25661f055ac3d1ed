/**
 * Each gateway with a pool that fits, ours beside those that people run. Each uses all CPUs.
 *
 * Peers that are not installed are shown as failed: apt-get install nginx-light haproxy golang-go
 *
 *     deno task bench gateways
 *     deno task bench gateways --connections 64
 */

import type { Scenario } from "timewait";

// Twice what 1,000 connections need, because some gateways divide their pool among their threads.
const pool = 2000;
const start = "{folder}/peers/start.sh";
const where = "{listen_host} {listen_port} {upstream_host} {upstream_port}";

export default {
  question: "What does each gateway cost when its pool fits?",
  expectation:
    "net-http is level with nginx and HAProxy and at least three times Go; http-client is level with Go.",
  // Compilers of JavaScript take some seconds until they have seen enough.
  load: { connections: 1000, warmUp: "3s" },
  runs: [
    { name: "direct" },
    { name: "net-http", gateway: { transport: "net-http", maxIdleConns: pool, maxIdleConnsPerHost: pool } },
    { name: "http-client", gateway: { poolMaxIdlePerHost: pool, workers: navigator.hardwareConcurrency } },
    { name: "nginx", gateway: { command: `${start} nginx ${where} ${pool}` } },
    { name: "haproxy", gateway: { command: `${start} haproxy ${where} ${pool}` } },
    { name: "go", gateway: { command: `${start} go ${where} ${pool}` } },
  ],
} satisfies Scenario;

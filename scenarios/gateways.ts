#!/usr/bin/env -S timewait bench
/**
 * Our gateways beside those that people run, each with a pool that fits and with all CPUs.
 *
 * What to do with the answer: it is the price of a hop, and how far the gateways of the other scenarios are
 * from yours.
 *
 * A peer that is not installed is shown as failed: apt-get install nginx-light haproxy golang-go caddy
 *
 *     deno task bench gateways
 *     deno task bench gateways --connections 64
 */

import type { Scenario } from "timewait";

// Twice what 1,000 connections need, because some gateways divide their pool among their threads.
const pool = 2000;
const fits = { transport: "net-http", maxIdleConns: pool, maxIdleConnsPerHost: pool } as const;
const start = "{folder}/peers/start.sh";
const where = "{listen_host} {listen_port} {upstream_host} {upstream_port}";

export default {
  question: "What does each gateway cost when its pool fits?",
  expectation:
    "nginx, HAProxy and net-http on epoll cost least, net-http on Deno's sockets somewhat more; all serve two to three times what Go does. http-client is level with Go.",
  // A compiler of JavaScript takes some seconds until it has seen enough.
  load: { connections: 1000, warmUp: "3s" },
  runs: [
    { name: "direct" },
    { name: "net-http", gateway: fits },
    { name: "net-http-epoll", gateway: { ...fits, sockets: "epoll" } },
    { name: "http-client", gateway: { poolMaxIdlePerHost: pool, workers: navigator.hardwareConcurrency } },
    { name: "nginx", gateway: { command: `${start} nginx ${where} ${pool}` } },
    { name: "haproxy", gateway: { command: `${start} haproxy ${where} ${pool}` } },
    { name: "go", gateway: { command: `${start} go ${where} ${pool}` } },
    { name: "caddy", gateway: { command: `${start} caddy ${where} ${pool}` } },
  ],
} satisfies Scenario;

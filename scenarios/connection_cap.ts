#!/usr/bin/env -S timewait bench
/**
 * A hard cap on connections to the backend: no TIME_WAIT, no error, and a gateway that is slow. Requests wait
 * in line for one of the connections, and the backend is not busy.
 *
 * What to do with the answer: the cap divided by the backend's time is the most requests per second. Raise
 * the cap (`MaxConnsPerHost` in Go, `max_conns_per_host` in Caddy, `maxconn` of a server in HAProxy) to the
 * number of requests at one time, or keep it where the backend can bear no more.
 *
 * It takes Go, Caddy and HAProxy: apt-get install golang-go caddy haproxy
 *
 *     deno task bench connection_cap
 *     deno task bench connection_cap --connections 300
 */

import type { Scenario } from "timewait";

const where = "{listen_host} {listen_port} {upstream_host} {upstream_port} 1000";

export default {
  question: "How much of the latency is waiting for one of ten connections?",
  expectation:
    "the runs with a cap serve at most 500 requests/s, ten connections of 20 ms each, and most of their " +
    "latency is waiting; no-cap does not wait.",
  load: { connections: 50 },
  backend: { latency: "20ms" },
  baseline: "no-cap",
  runs: [
    { name: "no-cap", gateway: { command: `{folder}/peers/start.sh go ${where}` } },
    { name: "go-10", gateway: { command: `MOST=10 {folder}/peers/start.sh go ${where}` } },
    { name: "caddy-10", gateway: { command: `MOST=10 {folder}/peers/start.sh caddy ${where}` } },
    { name: "haproxy-10", gateway: { command: `MOST=10 {folder}/peers/start.sh haproxy ${where}` } },
    { name: "net-http-10", gateway: { transport: "net-http", maxConnsPerHost: 10, maxIdleConnsPerHost: 10 } },
  ],
} satisfies Scenario;

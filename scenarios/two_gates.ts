#!/usr/bin/env -S timewait bench
/**
 * The incident of 2016: `MaxIdleConnsPerHost` was 200, and `MaxIdleConns` had stayed at its default of 100.
 * An idle connection must pass both gates: that of its host, then that of the whole pool.
 *
 * What to do with the answer: raise both limits in Go, `MaxIdleConns` to at least `MaxIdleConnsPerHost`. With
 * fewer connections than 100 both runs are alike, which is how the pool was suspected.
 *
 * Go is measured beside our gateway where it is installed: apt-get install golang-go
 *
 *     deno task bench two_gates
 *     deno task bench two_gates --connections 50
 */

import type { Scenario } from "timewait";

const go = "{folder}/peers/start.sh go {listen_host} {listen_port} {upstream_host} {upstream_port}";

export default {
  question: "What does MaxIdleConnsPerHost = 200 come to while MaxIdleConns is 100?",
  expectation: "200/100 keeps 100 connections and leaves thousands of sockets in TIME_WAIT on the gateway; " +
    "1000/1000 next to none, and loses at most 11.3% against direct.",
  load: { connections: 1000, script: "peers/post.lua" },
  // As far away as the backend of the incident.
  backend: { latency: "70ms" },
  runs: [
    { name: "direct" },
    // One thread, and so one pool, as Go has.
    {
      name: "200-100",
      gateway: { transport: "net-http", maxIdleConnsPerHost: 200, maxIdleConns: 100, workers: 1 },
    },
    {
      name: "1000-1000",
      gateway: { transport: "net-http", maxIdleConnsPerHost: 1000, maxIdleConns: 1000, workers: 1 },
    },
    { name: "go-200-100", gateway: { command: `${go} 200 100` } },
    { name: "go-1000-1000", gateway: { command: `${go} 1000 1000` } },
  ],
} satisfies Scenario;

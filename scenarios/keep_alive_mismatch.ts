#!/usr/bin/env -S timewait bench
/**
 * The backend ends connections that were idle for a second, and the gateway keeps them for longer. Where a
 * request and the end of its connection meet, the answer is a 502, or the request is sent again: a GET
 * mostly, a POST not.
 *
 * Requests come more than a second apart here, so that each finds its connection ended. The race itself is
 * rare, and a longer load shows more of it.
 *
 * What to do with the answer: the gateway's idle time below the backend's, at every hop.
 *
 * It takes nginx and Go: apt-get install nginx-light golang-go
 *
 *     deno task bench keep_alive_mismatch
 *     deno task bench scenarios/keep_alive_mismatch.ts --duration 60s
 */

import type { Scenario } from "timewait";

const where = "{listen_host} {listen_port} {upstream_host} {upstream_port} 100";
const nginx = `{folder}/peers/start.sh nginx ${where}`;
const go = `{folder}/peers/start.sh go ${where}`;

export default {
  question: "What happens where the backend ends idle connections before the gateway does?",
  expectation:
    "the backend ends the connections of nginx-90 and go-90 after 1 s; go-half ends its own after half a " +
    "second; backend-keeps opens no more than it uses at one time.",
  // Eight requests in ten seconds: none of them finds a connection that was idle for less than a second.
  load: { connections: 4, rate: 0.8, duration: "10s", warmUp: 0 },
  backend: { latency: "5ms", idleTimeout: "1s" },
  baseline: "backend-keeps",
  runs: [
    { name: "backend-keeps", gateway: { command: nginx }, backend: { idleTimeout: 0 } },
    { name: "nginx-90", gateway: { command: nginx } },
    { name: "go-90", gateway: { command: go } },
    { name: "go-half", gateway: { command: `IDLE=0.5 ${go}` } },
  ],
} satisfies Scenario;

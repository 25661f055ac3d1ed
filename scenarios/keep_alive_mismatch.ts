#!/usr/bin/env -S timewait bench
/**
 * The backend ends connections that were idle for half a second, and the gateway keeps them for longer. Where
 * a request and the end of its connection meet, the answer is a 502, or the request is sent again: a GET
 * mostly, a POST not.
 *
 * Requests come a second apart here, so that each finds its connection ended. The race itself is
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
    "the backend ends the connections of nginx-90 and go-90 after half a second; go-below ends its own " +
    "after 0.25 s; backend-keeps opens no more than it uses at one time.",
  // So few requests that each finds its connection idle for longer than the backend keeps it.
  load: { connections: 4, rate: 1, duration: "10s", warmUp: 0 },
  backend: { latency: "5ms", idleTimeout: "500ms" },
  baseline: "backend-keeps",
  runs: [
    { name: "backend-keeps", gateway: { command: nginx }, backend: { idleTimeout: 0 } },
    { name: "nginx-90", gateway: { command: nginx } },
    { name: "go-90", gateway: { command: go } },
    { name: "go-below", gateway: { command: `IDLE=0.25 ${go}` } },
  ],
} satisfies Scenario;

#!/usr/bin/env -S timewait bench
/**
 * A gateway in Go that opens a connection for each request although its pool would fit: it makes a client for
 * each request, leaves answers unread, or never closes them.
 *
 * What to do with the answer: mend the code; a larger pool changes nothing. Use one `http.Transport` for the
 * whole process, and read each answer to its end and close it.
 *
 * It takes Go: apt-get install golang-go
 *
 *     deno task bench used_once
 *     deno task bench used_once --connections 300
 */

import type { Scenario } from "timewait";

const start =
  "{folder}/peers/start.sh misuse {listen_host} {listen_port} {upstream_host} {upstream_port} 1000";

export default {
  question: "Which misuse of a client opens a connection for each request, whatever its pool?",
  expectation:
    "each and unread use each connection for one request and hold TIME_WAITs; kept and unclosed leave each " +
    "connection open, and hold none; right opens as many connections as there are requests at one time.",
  load: { connections: 50 },
  backend: { latency: "20ms" },
  baseline: "right",
  runs: [
    { name: "right", gateway: { command: start } },
    { name: "each", gateway: { command: `MISUSE=each ${start}` } },
    { name: "kept", gateway: { command: `MISUSE=kept ${start}` } },
    { name: "unread", gateway: { command: `MISUSE=unread ${start}` } },
    { name: "unclosed", gateway: { command: `MISUSE=unclosed ${start}` } },
  ],
} satisfies Scenario;

#!/usr/bin/env -S timewait bench
/**
 * nginx asks its backend to end each connection unless it is told otherwise: before 1.29.7 it speaks HTTP/1.0
 * to it, and with HTTP/1.1 it sends `Connection: close` until that header is cleared. Which side closes first
 * is a race then, so the TIME_WAITs tell nothing. Caddy does the same where its transport has `keepalive
 * off`.
 *
 * What to do with the answer: set all three, `proxy_http_version 1.1`, `proxy_set_header Connection ""` and
 * `keepalive` in the upstream block. Any one of them alone changes nothing. In Caddy, leave `keepalive off`
 * out.
 *
 * It takes nginx and Caddy: apt-get install nginx-light caddy
 *
 *     deno task bench close_asked
 *     deno task bench close_asked --connections 300
 */

import type { Scenario } from "timewait";

const where = "{listen_host} {listen_port} {upstream_host} {upstream_port} 1000";
const nginx = `{folder}/peers/start.sh nginx ${where}`;
const caddy = `{folder}/peers/start.sh caddy ${where}`;

export default {
  question: "Does the gateway ask its backend to end each connection?",
  expectation:
    "http-1.0, not-cleared and caddy-off open a connection for each request, with TIME_WAITs on either side; " +
    "right and caddy-right open next to none once they are warm.",
  load: { connections: 50 },
  backend: { latency: "20ms" },
  baseline: "right",
  runs: [
    { name: "right", gateway: { command: nginx } },
    { name: "http-1.0", gateway: { command: `HTTP_VERSION=1.0 CONNECTION=close ${nginx}` } },
    // What nginx sends where the header is not set.
    { name: "not-cleared", gateway: { command: `CONNECTION=close ${nginx}` } },
    { name: "caddy-right", gateway: { command: caddy } },
    { name: "caddy-off", gateway: { command: `CONNECTION=close ${caddy}` } },
  ],
} satisfies Scenario;

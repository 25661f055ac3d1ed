#!/usr/bin/env -S timewait bench
/**
 * The backend ends connections that were idle for half a second, and the gateway keeps them for longer. A
 * request that is sent on a connection which the backend is just closing gets no answer. nginx sends a GET
 * again on another connection and a POST never, because the backend may have acted on it: its client gets a
 * 502. Caddy (2.6) sends some GETs again and not all, and the gateway in Node none, so that a GET fails as
 * well.
 *
 * The load comes in bursts that are as far apart as the backend's idle time, so that many requests meet the
 * close. Under even traffic the same is a 502 now and then.
 *
 * What to do with the answer: the gateway's idle time below the backend's, at every hop.
 *
 * It takes nginx, Caddy and Node: apt-get install nginx-light caddy nodejs
 *
 *     deno task bench keep_alive_mismatch
 */

import type { Scenario } from "timewait";

const where = "{listen_host} {listen_port} {upstream_host} {upstream_port} 400";
const nginx = `{folder}/peers/start.sh nginx ${where}`;
const node = `{folder}/peers/start.sh node ${where}`;
const caddy = `{folder}/peers/start.sh caddy ${where}`;
const get = { method: "GET", requestBody: undefined } as const;

export default {
  question: "What happens where the backend ends idle connections before the gateway does?",
  expectation:
    "some requests of nginx-post and of both runs of Caddy and of Node fail with 502; none of nginx-get, which " +
    "are sent again; none of nginx-below and caddy-below, which end idle connections themselves after 0.25 s " +
    "and open them anew.",
  // From the last answer of a burst to the next burst, connections are idle for 450 to 500 ms, and some
  // longer.
  load: {
    connections: 200,
    duration: "5s",
    warmUp: 0,
    burst: { on: "200ms", off: "500ms" },
    method: "POST",
    requestBody: 100,
  },
  backend: { latency: "5ms..45ms", idleTimeout: "500ms" },
  baseline: "backend-keeps",
  runs: [
    { name: "backend-keeps", gateway: { command: nginx }, backend: { idleTimeout: 0 } },
    { name: "nginx-get", gateway: { command: nginx }, load: get },
    { name: "nginx-post", gateway: { command: nginx } },
    { name: "caddy-get", gateway: { command: caddy }, load: get },
    { name: "caddy-post", gateway: { command: caddy } },
    { name: "node-get", gateway: { command: node }, load: get },
    { name: "node-post", gateway: { command: node } },
    { name: "nginx-below", gateway: { command: `IDLE=0.25 ${nginx}` } },
    { name: "caddy-below", gateway: { command: `IDLE=0.25 ${caddy}` } },
  ],
} satisfies Scenario;

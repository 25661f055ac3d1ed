/**
 * Question: what does each gateway cost when its pool fits, ours and those that people run?
 *
 * Expected: net-http level with nginx and HAProxy, and at least three times Go's ReverseProxy; http-client level with Go. Peers
 * that are not installed are shown as failed (apt-get install nginx-light haproxy golang-go). Each uses all cores, and the pool
 * is twice what is needed, because some divide it among their threads.
 *
 *     deno task bench gateways                      # 1000 connections
 *     deno task bench gateways --connections 64
 */

import { mainFor } from "../tools/bench.ts";
import { runAsScript } from "../tools/cli/command_line.ts";
import type { Scenario } from "../tools/scenario/scenario.ts";

const POOL = 2000;
const START = decodeURIComponent(new URL("./peers/start.sh", import.meta.url).pathname);

function peer(name: string): string {
  return `${START} ${name} {listen_host} {listen_port} {upstream_host} {upstream_port} ${POOL}`;
}

export const scenario: Scenario = {
  name: "gateways",
  question: "What does each gateway cost when its pool fits?",
  expectation:
    "net-http is level with nginx and HAProxy and at least three times Go; http-client is level with Go.",
  baseline: "direct",
  load: { connections: 1000, warmUpMs: 3_000 },
  runs: [
    { name: "direct" },
    { name: "net-http", gateway: { transport: "net-http", maxIdleConns: POOL, maxIdleConnsPerHost: POOL } },
    {
      name: "http-client",
      gateway: { transport: "http-client", poolMaxIdlePerHost: POOL, workers: navigator.hardwareConcurrency },
    },
    { name: "nginx", gateway: { command: peer("nginx") } },
    { name: "haproxy", gateway: { command: peer("haproxy") } },
    { name: "go", gateway: { command: peer("go") } },
  ],
};

if (import.meta.main) runAsScript(mainFor(scenario));

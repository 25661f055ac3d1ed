/**
 * Question: what happened in 2016, when `MaxIdleConnsPerHost` was 200 and `MaxIdleConns` had stayed at 100?
 *
 * Expected: with 200/100 the gateway keeps 100 connections, not 200, and owns thousands of TIME_WAITs; with 1000/1000 next to
 * none, and at most 11.3% fewer requests than straight at the backend. The same with the real Go, where it is installed.
 * Our gateway has one thread here, so that it has one pool, as Go has: threads cannot hand connections to each other.
 *
 *     deno task bench two_gates --script post.lua
 */

import { mainFor } from "../tools/bench.ts";
import { runAsScript } from "../tools/cli/command_line.ts";
import type { GatewayPlan, Scenario } from "../tools/scenario/scenario.ts";

const START = decodeURIComponent(new URL("./peers/start.sh", import.meta.url).pathname);

function ours(maxIdleConnsPerHost: number, maxIdleConns: number): GatewayPlan {
  return { transport: "net-http", maxIdleConnsPerHost, maxIdleConns, workers: 1 };
}

function go(maxIdleConnsPerHost: number, maxIdleConns: number): string {
  return `${START} go {listen_host} {listen_port} {upstream_host} {upstream_port} ${maxIdleConnsPerHost} ${maxIdleConns}`;
}

export const scenario: Scenario = {
  name: "two_gates",
  question: "What does MaxIdleConnsPerHost = 200 come to while MaxIdleConns is 100?",
  expectation: "200/100 keeps 100 connections and leaves thousands of sockets in TIME_WAIT on the gateway; " +
    "1000/1000 next to none, and loses at most 11.3% against direct.",
  baseline: "direct",
  load: { connections: 1000 },
  backend: { latencyMs: 70 },
  runs: [
    { name: "direct" },
    { name: "200-100", gateway: ours(200, 100) },
    { name: "1000-1000", gateway: ours(1000, 1000) },
    { name: "go-200-100", gateway: { command: go(200, 100) } },
    { name: "go-1000-1000", gateway: { command: go(1000, 1000) } },
  ],
};

if (import.meta.main) runAsScript(mainFor(scenario));

/**
 * Question: why does a test on 127.0.0.1 not show the ports running out?
 *
 * Expected: tcp_tw_reuse is 2 by default, which takes TIME_WAITs again on loopback only. The same gateway under the same
 * load fails with EADDRNOTAVAIL across the links of the lab and not on loopback, until tcp_tw_reuse is 0 there.
 *
 * The three hosts of a loopback run are one network namespace, whose 127.0.0.1 is not the machine's.
 *
 *     deno task bench loopback_mask
 */

import { mainFor } from "../tools/bench.ts";
import { runAsScript } from "../tools/cli/command_line.ts";
import type { Scenario } from "../tools/scenario/scenario.ts";

const range = { "net.ipv4.ip_local_port_range": "20000 21999" };
const gateway = { transport: "http-client", poolMaxIdlePerHost: 2 } as const;

export const scenario: Scenario = {
  name: "loopback_mask",
  question: "Why does a test on 127.0.0.1 not show the ports running out?",
  expectation:
    "with tcp_tw_reuse = 2, the default, the ports run out across the lab and not on loopback; with 0 they " +
    "run out on loopback as well.",
  baseline: "across",
  load: { connections: 100, warmUpMs: 0, durationMs: 6_000 },
  backend: { latencyMs: 50 },
  runs: [
    { name: "across", gateway, sysctls: { ...range, "net.ipv4.tcp_tw_reuse": 2 }, loopback: false },
    { name: "loopback", gateway, sysctls: { ...range, "net.ipv4.tcp_tw_reuse": 2 }, loopback: true },
    { name: "loopback-reuse-0", gateway, sysctls: { ...range, "net.ipv4.tcp_tw_reuse": 0 }, loopback: true },
  ],
};

if (import.meta.main) runAsScript(mainFor(scenario));

/**
 * Question: when does a gateway run out of ephemeral ports, and what helps?
 *
 * Expected: with a pool that is too small every few requests open a connection, and each holds a port for the 60 s
 * of TIME_WAIT. When the range is used up, connects fail with EADDRNOTAVAIL, "cannot assign requested address", at the
 * second that the rate of new connections foretells; from half of the range on they are slow already. tcp_tw_reuse = 1
 * hides it. A pool that fits needs no knob at all.
 *
 * The range is narrow so that it is used up within seconds: with Linux's 28,232 ports it is the same, and later.
 *
 *     deno task bench port_exhaustion
 */

import { mainFor } from "../tools/bench.ts";
import { runAsScript } from "../tools/cli/command_line.ts";
import type { Scenario } from "../tools/scenario/scenario.ts";

const narrow = { "net.ipv4.ip_local_port_range": "20000 22999" };

export const scenario: Scenario = {
  name: "port_exhaustion",
  question: "When does a gateway run out of ephemeral ports, and what helps?",
  expectation:
    "reuse-0 fails with EADDRNOTAVAIL at the predicted second, after its connects have become slow; reuse-1 " +
    "does not fail and opens as many connections; pool-fits opens next to none, with no knob at all.",
  baseline: "reuse-0",
  load: { connections: 100, warmUpMs: 0, durationMs: 10_000 },
  backend: { latencyMs: 50 },
  probeConnects: true,
  runs: [
    {
      name: "reuse-0",
      gateway: { transport: "http-client", poolMaxIdlePerHost: 2 },
      sysctls: { ...narrow, "net.ipv4.tcp_tw_reuse": 0 },
    },
    {
      name: "reuse-1",
      gateway: { transport: "http-client", poolMaxIdlePerHost: 2 },
      sysctls: { ...narrow, "net.ipv4.tcp_tw_reuse": 1 },
    },
    { name: "pool-fits", gateway: { transport: "http-client", poolMaxIdlePerHost: 100 } },
  ],
};

if (import.meta.main) runAsScript(mainFor(scenario));

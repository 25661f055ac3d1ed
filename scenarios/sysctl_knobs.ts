/**
 * Question: which of the sysctls that are recommended against TIME_WAIT help a gateway whose pool is too small?
 *
 * Expected: none of them makes it open fewer connections. tcp_tw_reuse = 1 and a wider port range end the failures, for
 * as long as they last; tcp_fin_timeout, tcp_tw_recycle, and tcp_tw_reuse without timestamps do nothing;
 * tcp_max_tw_buckets throws states away that TCP needs. A pool that fits needs none of them.
 *
 * Nine runs five times take some five minutes; twice, which is enough for the verdicts, two.
 *
 *     deno task bench sysctl_knobs
 *     deno task bench sysctl_knobs --repeat 2
 */

import { mainFor } from "../tools/bench.ts";
import { runAsScript } from "../tools/cli/command_line.ts";
import type { RunPlan, Scenario } from "../tools/scenario/scenario.ts";

const before = { "net.ipv4.ip_local_port_range": "20000 21999", "net.ipv4.tcp_tw_reuse": 0 };
const tooSmall = (name: string, advice: Record<string, string | number>): RunPlan => ({
  name,
  gateway: { transport: "http-client", poolMaxIdlePerHost: 2 },
  sysctls: { ...before, ...advice },
});

export const scenario: Scenario = {
  name: "sysctl_knobs",
  question: "Which of the sysctls recommended against TIME_WAIT help a gateway whose pool is too small?",
  expectation:
    "no sysctl makes the gateway open fewer connections; two of them keep it from running out of ports for a " +
    "while, the others do nothing or harm; a pool that fits needs none.",
  baseline: "reuse-0",
  load: { connections: 100, warmUpMs: 0, durationMs: 6_000 },
  backend: { latencyMs: 50 },
  runs: [
    tooSmall("reuse-0", {}),
    tooSmall("reuse-1", { "net.ipv4.tcp_tw_reuse": 1 }),
    tooSmall("reuse-2", { "net.ipv4.tcp_tw_reuse": 2 }),
    tooSmall("recycle", { "net.ipv4.tcp_tw_recycle": 1 }),
    tooSmall("fin-timeout-5", { "net.ipv4.tcp_fin_timeout": 5 }),
    tooSmall("max-buckets-500", { "net.ipv4.tcp_max_tw_buckets": 500 }),
    tooSmall("no-timestamps", { "net.ipv4.tcp_timestamps": 0, "net.ipv4.tcp_tw_reuse": 1 }),
    tooSmall("wide-range", { "net.ipv4.ip_local_port_range": "1024 65535" }),
    {
      name: "pool-fits",
      gateway: { transport: "http-client", poolMaxIdlePerHost: 100 },
      sysctls: before,
    },
  ],
};

if (import.meta.main) runAsScript(mainFor(scenario));

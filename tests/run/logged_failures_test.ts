/** Ports and descriptors that run out, as real gateways log it. */

import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { findCommand } from "../../tools/lab/find_command.ts";
import { failuresOf } from "../../tools/observe/upstream_failures.ts";
import { measureRepetition } from "../../tools/run/repetition.ts";
import type { RunOptions } from "../../tools/scenario/plan.ts";
import { resolveBackend, resolveLoad } from "../../tools/scenario/resolve.ts";
import type { Duration } from "../../tools/scenario/units.ts";
import { portsOf } from "../../tools/verdict/ports.ts";
import { renderReport } from "../../tools/report/report.ts";
import { results } from "../support/made_up_results.ts";
import { opensForEachRequest, plantedHaproxy, plantedNginx } from "../support/planted.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";

/** nginx as it comes: HTTP/1.0, and a connection for each request. */
const NGINX = plantedNginx(`
server { listen {listen} backlog=4096; location / { proxy_pass http://{upstream_host}:{upstream_port}; } }`);

/** nginx with a pool for one connection, which it closes itself where there is one already. */
const NGINX_POOL_OF_ONE = plantedNginx(`
upstream b { server {upstream_host}:{upstream_port}; keepalive 1; keepalive_requests 1000000000; }
server { listen {listen} backlog=4096;
  location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; } }`);

/** So many ports, none of which is taken again while it waits. */
const portsOnly = (count: number) => ({
  "net.ipv4.ip_local_port_range": `40000 ${40_000 + count - 1}`,
  "net.ipv4.tcp_tw_reuse": "0",
});

const optionsOf = (
  command: string,
  more: Partial<RunOptions> = {},
  duration: Duration = "1s",
): RunOptions => ({
  gateway: { command },
  // An open loop does not ask faster when all of them fail at once.
  backend: resolveBackend({ latency: 50 }),
  load: resolveLoad({ connections: 20, rate: 400, warmUp: 0, duration }),
  ...more,
});
const IN_A_LAB = { lab: "private", generator: "open-loop", signal: new AbortController().signal } as const;

function missing(program: string): boolean {
  try {
    findCommand(program);
    return false;
  } catch {
    console.error(`tests that need ${program} are ignored: it is not on PATH`);
    return true;
  }
}

/** HAProxy resets its connections, which leaves no TIME_WAIT: it has fewer ports than requests at a time. */
const GATEWAYS: readonly (readonly [program: string, command: string, ports: number])[] = [
  ["nginx", NGINX_POOL_OF_ONE, 100],
  ["haproxy", plantedHaproxy("http-reuse never\n  option http-server-close"), 12],
  ["go", opensForEachRequest("go"), 100],
  ["node", opensForEachRequest("node"), 100],
  ["python3", opensForEachRequest("python3"), 100],
];

for (const [program, command, ports] of GATEWAYS) {
  Deno.test({
    name: `${program}: ports that run out are counted from its log, with the second and a line of it`,
    ignore: wrkInPrivateLab.ignore || missing(program),
    async fn() {
      const options = optionsOf(command, { sysctls: portsOnly(ports), probeConnects: true }, "2s");
      const measured = await measureRepetition(options, IN_A_LAB);
      const { upstreamFailures, errors, hosts, connects } = measured;
      const failed = failuresOf(upstreamFailures, "EADDRNOTAVAIL");
      assertGreater(failed, 0, JSON.stringify({ upstreamFailures, errors, gateway: hosts.gateway }));
      const first = upstreamFailures!.find(({ code }) => code === "EADDRNOTAVAIL")!;
      assertEquals(first.step, "connect");
      assert(first.example!.length > 10);
      assertEquals(failuresOf(upstreamFailures, "EMFILE"), 0);
      assertGreater(connects!.connectUs.length, 3);
      const document = results([{ name: "it", baseline: true, options, repetitions: [measured] }]);
      const [use] = portsOf(document.runs[0]!, document.environment)!.repetitions;
      assertEquals(use!.failed, failed);
      assertEquals(use!.exhaustedSec, Math.max(0, first.firstMs) / 1000);
      assertGreater(use!.usedPeak, 0.6 * ports);
      assertLess(use!.usedPeak, 1.2 * ports);
      assertStringIncludes(renderReport(document), "no ephemeral port was left");
    },
  });
}

const FEW_DESCRIPTORS: Readonly<Record<string, string>> = {
  nginx: `ulimit -n 30; ${NGINX}`,
  go: opensForEachRequest("go").replace(`&& "$d/gateway"`, `&& ulimit -n 34 && "$d/gateway"`),
  python3: `ulimit -n 34; ${opensForEachRequest("python3")}`,
};

for (const [program, command] of Object.entries(FEW_DESCRIPTORS)) {
  Deno.test({
    name: `${program}: descriptors that run out are told from ports that do`,
    ignore: wrkInPrivateLab.ignore || missing(program),
    async fn() {
      const { upstreamFailures } = await measureRepetition(optionsOf(command), IN_A_LAB);
      assertGreater(failuresOf(upstreamFailures, "EMFILE"), 0, JSON.stringify(upstreamFailures));
      assertEquals(failuresOf(upstreamFailures, "EADDRNOTAVAIL"), 0);
    },
  });
}

Deno.test({
  name: "nginx's own limit on connections is neither ports nor descriptors",
  ignore: wrkInPrivateLab.ignore || peers.ignore,
  async fn() {
    const command = plantedNginx(
      "server { listen {listen} backlog=4096; location / { proxy_pass http://{upstream_host}:{upstream_port}; } }",
      "worker_connections 30;",
    );
    const { upstreamFailures } = await measureRepetition(optionsOf(command), IN_A_LAB);
    assertGreater(failuresOf(upstreamFailures, "CONNECTION_LIMIT"), 0, JSON.stringify(upstreamFailures));
    assertEquals(failuresOf(upstreamFailures, "EMFILE") + failuresOf(upstreamFailures, "EADDRNOTAVAIL"), 0);
  },
});

Deno.test({
  name: "of a gateway that has logged nothing of the kind, nothing is said",
  ignore: wrkInPrivateLab.ignore || peers.ignore,
  async fn() {
    const measured = await measureRepetition(optionsOf(NGINX), IN_A_LAB);
    assertEquals(measured.upstreamFailures, undefined);
  },
});

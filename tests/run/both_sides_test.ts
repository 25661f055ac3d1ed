/** What is kept of both sides of real gateways, in each kind of lab. */

import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import type { LocalLabKind } from "../../tools/lab/lab.ts";
import { measureRepetition } from "../../tools/run/repetition.ts";
import type { Measured } from "../../tools/results/results.ts";
import { resolveBackend, resolveLoad } from "../../tools/scenario/resolve.ts";
import { warningsOf } from "../../tools/verdict/warnings.ts";
import { renderReport } from "../../tools/report/report.ts";
import { results } from "../support/made_up_results.ts";
import { plantedInDeno, plantedNginx } from "../support/planted.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";

const optionsOf = (command: string, sysctls?: Record<string, string>) => ({
  gateway: { command },
  backend: resolveBackend({ latency: 5 }),
  load: resolveLoad({ connections: 40, threads: 1, warmUp: 0, duration: "1s" }),
  ...(sysctls === undefined ? {} : { sysctls }),
});
const measure = (command: string, lab: LocalLabKind, sysctls?: Record<string, string>) =>
  measureRepetition(optionsOf(command, sysctls), {
    lab,
    generator: "wrk",
    signal: new AbortController().signal,
  });
const documentOf = (command: string, measured: Measured) =>
  results([{ name: "it", baseline: true, options: optionsOf(command), repetitions: [measured] }]);

const CLOSES_ON_CLIENTS = plantedNginx(`
upstream b { server {upstream_host}:{upstream_port}; keepalive 200; keepalive_requests 1000000000; }
server { listen {listen} backlog=4096; keepalive_timeout 0;
  location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; } }`);

for (const lab of ["private", "loopback", "host"] as const) {
  Deno.test({
    name: `${lab} lab: a gateway that closes on its clients keeps what it has to the backend`,
    ignore: peers.ignore || wrkInPrivateLab.ignore,
    async fn() {
      const measured = await measure(CLOSES_ON_CLIENTS, lab);
      const { hosts, sides, requests } = measured;
      const { backend, clients } = sides!;
      // A shared table loses a TIME_WAIT whose port a client takes again.
      assertGreater(clients.openedPerRequest, lab === "private" ? 0.9 : 0.4);
      assertGreater(requests, 100);
      if (lab === "private") assertLess(backend.openedPerRequest, 0.2);
      assertGreater(clients.timeWaitPeak, 100);
      assertEquals(backend.timeWaitPeak, 0);
      const toBackend = hosts.gateway!.connectionGroups!.find(({ side }) => side === "opened")!;
      assertGreater(toBackend.established, 0);
      assertLess(toBackend.established, 60);
      const ofClients = hosts.gateway!.connectionGroups!.find(({ side }) => side === "accepted")!;
      assertGreater(ofClients.timeWait, clients.timeWaitPeak / 2);
      const atBackend = hosts.backend!.connectionGroups!.find(({ side }) => side === "accepted")!;
      // A table is read piece by piece, while connections come and go.
      assertLess(Math.abs(atBackend.established - toBackend.established), 10);
      if (lab === "private") {
        assertEquals(backend.established!.ceiling <= 60, true);
        assertGreater(backend.established!.median, 0);
      }
      const report = renderReport(documentOf(CLOSES_ON_CLIENTS, measured));
      assertStringIncludes(report, "0 to the backend, ");
    },
  });
}

Deno.test({
  name: "connects that fail because the client has no port left are put down to the load generator",
  ...wrkInPrivateLab,
  async fn() {
    const command = plantedInDeno("lets_clients_close");
    const measured = await measure(command, "private", {
      "client:net.ipv4.ip_local_port_range": "40000 40499",
      "client:net.ipv4.tcp_tw_reuse": "0",
    });
    assertGreater(measured.errors.connect, 0);
    const document = documentOf(command, measured);
    const warning = warningsOf(document).find(({ kind }) => kind === "client out of ports");
    assert(warning?.kind === "client out of ports", JSON.stringify(measured.hosts.client));
    assertEquals(warning.figures.ports, 500);
    assertGreater(warning.figures.portsUsed, 474);
    assertGreater(warning.figures.timeWait, 400);
    assertEquals(warning.figures.failedConnects, measured.errors.connect);
    assertStringIncludes(renderReport(document), "ran out of ephemeral ports");
  },
});

Deno.test({
  name: "connections that a gateway opens at its start are told, and not counted as opened",
  ...wrkInPrivateLab,
  async fn() {
    const command = plantedInDeno("opens_at_start");
    const measured = await measure(command, "private");
    assertEquals(measured.sides!.openedAtStart, 3);
    assertEquals(measured.sides!.backend.establishedBefore, 3);
    const [warning] = warningsOf(documentOf(command, measured)).filter(({ kind }) =>
      kind === "opened at start"
    );
    assertEquals(warning?.figures, { count: 3 });
  },
});

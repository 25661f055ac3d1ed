/** A bench by a real ssh and a real sshd, over TCP between namespaces, as an ordinary user. */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertStringIncludes,
} from "@std/assert";
import { findCommand } from "../../tools/lab/find_command.ts";
import { runCommand } from "../../tools/lab/process.ts";
import { renderReport } from "../../tools/report/report.ts";
import { isMeasured } from "../../tools/results/results.ts";
import { runScenario } from "../../tools/run/run_scenario.ts";
import type { Scenario } from "../../tools/scenario/scenario.ts";
import { findingsDocument } from "../../tools/verdict/findings_document.ts";
import { plantedNginx } from "../support/planted.ts";
import { needs, reasonFor, wrk } from "../support/requirements.ts";
import { sshMachines, startSshMachines } from "../support/ssh_machines.ts";

const programs = needs("nginx and Node", reasonFor(() => ["nginx", "node"].forEach(findCommand)));

const nginx = (keepalive: number) => ({
  command: plantedNginx(`
upstream b { server {upstream_host}:{upstream_port}; keepalive ${keepalive}; keepalive_requests 1000000; }
server { listen {listen} backlog=4096;
location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; } }`),
});

/** The incident's question, of programs that any user can start. Nothing is witnessed of this backend. */
const INCIDENT = {
  question: "What does a pool cost that is smaller than the concurrency?",
  backend: {
    command:
      `exec node -e 'const s = require("http").createServer((q, r) => setTimeout(() => r.end("hi"), 50));
s.keepAliveTimeout = 0; s.listen({listen_port}, "{listen_host}", 4096)'`,
  },
  load: { connections: 150, duration: "1s", warmUp: "1s" },
  runs: [{ name: "fits", gateway: nginx(400) }, { name: "small", gateway: nginx(5) }],
} satisfies Scenario;

Deno.test({
  name:
    "over ssh the incident's scenario names the causes that it names in a private lab, and its counters agree",
  ignore: sshMachines.ignore || programs.ignore || wrk.ignore,
  async fn() {
    await using machines = await startSshMachines();
    const { lab, prefix, enter } = machines;
    const inGateway = async (file: string) => await runCommand([...enter("gateway").split(" "), "cat", file]);
    const counters = async () => {
      const [names, values] = (await inGateway("/proc/net/snmp")).split("\n")
        .filter((line) => line.startsWith("Tcp:")).map((line) => line.split(" "));
      const sockets = await inGateway("/proc/net/tcp");
      return {
        opened: Number(values![names!.indexOf("ActiveOpens")]),
        timeWait: sockets.match(/^ *\d+: \S+ \S+:1F91 06 /gm)?.length ?? 0,
      };
    };
    const inLab = await runScenario(INCIDENT, { repeat: 1, lab: "private", seed: 2 });
    const before = await counters();
    const there = await runScenario({
      ...INCIDENT,
      hosts: { client: prefix("client"), gateway: prefix("gateway"), backend: prefix("backend") },
      url: `http://${lab.gateway.address}:8080/`,
      backendUrl: `http://${lab.backend.address}:8081/`,
    }, { repeat: 1, seed: 2 });
    const after = await counters();
    const causes = [inLab, there].map((results) =>
      findingsDocument([{ results }]).runs.map(({ name, causes }) => [name, causes.map(({ cause }) => cause)])
    );
    assertEquals(causes[1], causes[0]);
    assertEquals(causes[1], [["fits", ["none"]], ["small", ["pool-too-small"]]]);

    const [fits, small] = there.runs.map(({ repetitions: [one] }) => {
      assert(isMeasured(one!), JSON.stringify(one));
      return one;
    });
    // Both runs and their warm-ups opened what the kernel has counted by the end.
    const opened = after.opened - before.opened;
    assertLessOrEqual(
      small!.hosts.gateway!.connectionsOpened + fits!.hosts.gateway!.connectionsOpened,
      opened,
    );
    const group = small!.hosts.gateway!.timeWaitGroups.find(({ side }) => side === "opened")!;
    assertLessOrEqual(group.timeWait, after.timeWait);
    // Those that were on their way when the client left, and those that nginx kept.
    assertGreaterOrEqual(group.timeWait, after.timeWait - 2 * 150);
    assertGreaterOrEqual(group.timeWait, small!.hosts.gateway!.connectionsOpened);
    // What the backend's machine accepted is what the gateway's has opened.
    const atBackend = small!.hosts.backend!.connectionGroups!.find(({ side }) => side === "accepted")!;
    const atGateway = small!.hosts.gateway!.connectionGroups!.find(({ side }) => side === "opened")!;
    assertLessOrEqual(Math.abs(atBackend.established - atGateway.established), 150);
    assertLessOrEqual(small!.onMachines!.clockErrorMs, 500);
    const report = renderReport(there);
    assertStringIncludes(report, "lab: remote");
    assertStringIncludes(report, "ssh -F none");
  },
});

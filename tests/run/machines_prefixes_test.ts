/**
 * A bench by kubectl, whose API server is a stub, and by podman: three machines with a network of their own.
 */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertStringIncludes,
} from "@std/assert";
import { findCommand } from "../../tools/lab/find_command.ts";
import { renderReport } from "../../tools/report/report.ts";
import { isMeasured } from "../../tools/results/results.ts";
import { runScenario } from "../../tools/run/run_scenario.ts";
import type { HostName } from "../../tools/scenario/host_names.ts";
import { findingsDocument } from "../../tools/verdict/findings_document.ts";
import { runContainer, startContainer } from "../support/containers.ts";
import { kubectl, startKubeApi } from "../support/kube_api.ts";
import { countSockets, startMachines, type TestMachine, type TestMachines } from "../support/machines.ts";
import { plantedNginx } from "../support/planted.ts";
import { needs, reasonFor, wrkInPrivateLab } from "../support/requirements.ts";
import "../support/one_at_a_time.ts";

const nginx = needs("nginx", reasonFor(() => findCommand("nginx")));

/** The programs of this machine, in containers whose network is that of a machine for tests. */
const podman = {
  ignore: !await startContainer({
    name: `timewait_trial_${Deno.pid}`,
    applets: "all",
    command: ["/bin/true"],
  }),
};

const CONNECTIONS = 50;

/** It has no upstreams. */
const BACKEND = plantedNginx('server { listen {listen} backlog=4096; location / { return 200 "hi"; } }')
  .replace(/^for u in .*$/m, "");

const GATEWAY = plantedNginx(`upstream b { server {upstream_host}:{upstream_port}; keepalive 5; }
server { listen {listen} backlog=4096;
location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; } }`);

/** Whether a small pool is seen by these prefixes, and as it is counted there by another way. */
async function seeSmallPool(machines: TestMachines<HostName>, prefix: (name: HostName) => string) {
  const { client, gateway, backend } = machines.of;
  const results = await runScenario({
    question: "Does it keep its connections?",
    hosts: { client: prefix("client"), gateway: prefix("gateway"), backend: prefix("backend") },
    url: `http://${gateway.address}:8080/`,
    backendUrl: `http://${backend.address}:8081/`,
    backend: { command: BACKEND },
    load: { connections: CONNECTIONS, threads: 1, duration: "1s", warmUp: 0 },
    runs: [{ name: "small", gateway: { command: GATEWAY } }],
  }, { repeat: 1 });
  const counted = await countSockets(gateway, "06", 8081);
  const [repetition] = results.runs[0]!.repetitions;
  assert(isMeasured(repetition!), JSON.stringify(repetition));
  const { requests, errors, hosts, onMachines, samples } = repetition;
  assertEquals(errors, { connect: 0, read: 0, write: 0, status: 0, timeout: 0 });
  assertGreaterOrEqual(requests, CONNECTIONS);
  const towards = hosts.gateway!.timeWaitGroups.find(({ side }) => side === "opened")!;
  // Those that were on their way when the client left, and those that nginx kept.
  assertLessOrEqual(towards.timeWait, counted);
  assertGreaterOrEqual(towards.timeWait, counted - 2 * CONNECTIONS);
  assertGreaterOrEqual(towards.timeWait, 5);
  assertEquals(await countSockets(client, "01", 8080), 0);
  assert(samples.hosts.client.established.some((count) => count >= CONNECTIONS));
  assertLessOrEqual(onMachines!.clockErrorMs, 500);
  const [cause] = findingsDocument([{ results }]).runs[0]!.causes;
  assertEquals(cause?.cause, "pool-too-small");
  assertStringIncludes(renderReport(results), `client: \`${prefix("client")}\``);
}

Deno.test({
  name: "by kubectl a bench sees what it sees in a private lab, and its counters agree",
  ignore: kubectl.ignore || nginx.ignore || wrkInPrivateLab.ignore,
  async fn() {
    await using machines = await startMachines("client", "gateway", "backend");
    const words = ([name, machine]: [string, TestMachine]) => [name, machine.argv()];
    await using api = await startKubeApi(Object.fromEntries(Object.entries(machines.of).map(words)));
    await seeSmallPool(machines, (name) => api.prefix(name, "c"));
  },
});

Deno.test({
  name: "by podman a bench sees what it sees in a private lab, and its counters agree",
  ignore: podman.ignore || nginx.ignore || wrkInPrivateLab.ignore,
  async fn() {
    await using machines = await startMachines("client", "gateway", "backend");
    const nameOf = (name: string) => `timewait_${name}_${Deno.pid}`;
    await using stack = new AsyncDisposableStack();
    for (const [name, { network }] of Object.entries(machines.of)) {
      const { stop } = await runContainer({
        name: nameOf(name),
        network: `ns:${network}`,
        applets: "all",
        command: ["/bin/sh", "-c", "while :; do sleep 3600 & wait; done"],
      });
      stack.defer(stop);
    }
    await seeSmallPool(machines, (name) => `podman exec -i ${nameOf(name)}`);
  },
});

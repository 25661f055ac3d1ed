/** Hosts by a real ssh and a real sshd, over TCP between namespaces, as an ordinary user. */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { connectHost } from "../../../tools/lab/remote/remote_host.ts";
import { connectRemoteLab } from "../../../tools/lab/remote/remote_lab.ts";
import { sshMachines, startSshMachines } from "../../support/ssh_machines.ts";
import { startStubborn } from "../../support/stubborn.ts";
import { until } from "../../support/until.ts";

Deno.test("three machines are reached by ssh, and each is seen as it is", sshMachines, async () => {
  await using machines = await startSshMachines();
  const given = (name: "client" | "gateway" | "backend") => ({
    prefix: machines.prefix(name),
    address: machines.lab[name].address,
  });
  await using lab = await connectRemoteLab({
    client: [given("client")],
    gateway: given("gateway"),
    backend: given("backend"),
  });
  assertEquals(lab.all.map(({ far }) => far.uid), [65534, 65534, 65534]);
  assertEquals(new Set(lab.all.map(({ far }) => far.network)).size, 3);
  assertEquals(new Set(lab.all.map(({ far }) => far.bootId)).size, 1);
  // Each has processes and TCP tables of its own.
  for (const host of lab.all) {
    const [stats, table] = await host.readProc("/proc/[0-9]*/stat", "/proc/net/tcp");
    assert(stats!.includes("(sshd)"));
    assertEquals(stats!.includes(`${Deno.pid} (deno)`), false);
    assertStringIncludes(table!, ":08AE 00000000:0000 0A");
  }
  // A server on one machine is reached from another, over the links of the lab.
  const server = await lab.backend!.start({
    name: "server",
    argv: ["sh", "-c", "while echo hello; do sleep 1; done"],
  });
  const addresses = await lab.backend!.$`ip -o -4 address | grep -o '198[0-9.]*' | sort -u | head -1`.text();
  assertStringIncludes(addresses, "198.18.0");
  const clock = await lab.gateway!.clock();
  assertLess(clock.errorMs, 200);
  const here = Number((await machines.lab.client.readProc("/proc/uptime"))[0]!.split(" ")[0]) * 1000;
  assertLess(Math.abs(performance.now() - here - clock.offsetMs), clock.errorMs + 20);
  await server.stop();
});

/** The oldest client of the gateway holds its lease. */
function oldestClient(): number {
  const args = ["-o", "-f", "^ssh .*nobody@198.18.0.2 sh$"];
  return parseInt(new TextDecoder().decode(new Deno.Command("pgrep", { args }).outputSync().stdout));
}

Deno.test(
  "over ssh as well, a client that is killed and a host that is disposed leave nothing",
  sshMachines,
  async () => {
    await using machines = await startSshMachines();
    const left: (() => number[])[] = [];
    {
      await using gateway = await connectHost({
        name: "gateway",
        prefix: machines.prefix("gateway"),
        address: "",
      });
      await using backend = await connectHost({
        name: "backend",
        prefix: machines.prefix("backend"),
        address: "",
      });
      left.push((await startStubborn(gateway)).left, (await startStubborn(backend)).left);
      Deno.kill(oldestClient(), "SIGKILL");
      assertStringIncludes((await gateway.lost).message, "nobody@198.18.0.2 sh has ended");
      await until(() => left[0]!().length === 0, 20_000);
      assertGreater(left[1]!().length, 4);
    }
    assertEquals(left[1]!(), []);
  },
);

Deno.test(
  "an ssh that is stopped for 15 s has lost its host, which says why, and nothing is left",
  sshMachines,
  async () => {
    await using machines = await startSshMachines();
    await using gateway = await connectHost({
      name: "gateway",
      prefix: machines.prefix("gateway"),
      address: "",
    });
    const child = await gateway.start({ name: "it", argv: ["sleep", "1000"] });
    const stubborn = await startStubborn(gateway);
    Deno.kill(oldestClient(), "SIGSTOP");
    await delay(15_000);
    assertEquals(stubborn.left(), []);
    Deno.kill(oldestClient(), "SIGCONT");
    assertStringIncludes((await gateway.lost).message, "has heard nothing from here for 10 s");
    // Its own last line may have come: killed by a signal.
    assert([1, 137].includes((await child.exited).code));
    await assertRejects(() => gateway.start({ name: "it", argv: ["true"] }), Error, "has heard nothing");
  },
);

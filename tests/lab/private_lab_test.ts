import { UnavailableError } from "../../tools/errors.ts";
import { HOST_NAMES } from "../../tools/scenario/host_names.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Lab } from "../../tools/lab/lab.ts";
import { chooseLab, openLab } from "../../tools/lab/open_lab.ts";
import { startPrivateLab, whyNoPrivateLab } from "../../tools/lab/private_lab.ts";
import { CommandNotFoundError } from "../../tools/lab/find_command.ts";
import { reasonOfExit } from "../../tools/lab/process.ts";
import { startBackendIn } from "../../tools/parties/lab_parties.ts";
import { until } from "../support/until.ts";
import { privateLab } from "../support/requirements.ts";

Deno.test({
  name: "every host of a private lab reaches the other two at their addresses",
  ...privateLab,
  async fn() {
    await using lab = await startPrivateLab();
    for (const server of HOST_NAMES) {
      const { address } = lab[server];
      const port = 9000;
      const serve =
        `Deno.serve({ hostname: "${address}", port: ${port}, onListen() {} }, () => new Response("${server}"))`;
      await using _server = await lab[server].start({ name: "server", argv: denoEval(serve) });
      for (const client of HOST_NAMES.filter((name) => name !== server)) {
        assertEquals(await fetchFrom(lab, client, `http://${address}:${port}/`), server);
      }
    }
  },
});

Deno.test({
  name: "a private lab is up at once: nothing in its start waits",
  ...privateLab,
  async fn() {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const startMs = performance.now();
      await using _lab = await startPrivateLab();
      times.push(performance.now() - startMs);
    }
    assertLess(Math.min(...times), 2_000);
  },
});

Deno.test({
  name: "each host has TCP tables of its own, and the machine's are not touched",
  ...privateLab,
  async fn() {
    await using lab = await startPrivateLab();
    const opened = async (name: typeof HOST_NAMES[number]) => {
      const [snmp] = await lab[name].readProc("/proc/net/snmp");
      return Number(/^Tcp: \d.*$/m.exec(snmp!)![0].split(" ")[5]);
    };
    await fetchFrom(lab, "client", `http://${lab.gateway.address}:9009/`).catch(() => {});
    assertEquals(await Promise.all(HOST_NAMES.map(opened)), [1, 0, 0]);
  },
});

Deno.test({
  name: "network sysctls may be set in a private lab and stay there",
  ...privateLab,
  async fn() {
    const path = "/proc/sys/net/ipv4/tcp_fin_timeout";
    const outside = await readOutside(path);
    await using lab = await startPrivateLab();
    const set = await lab.gateway.start({ name: "sysctl", argv: ["sh", "-c", `echo 7 >${path}`] });
    assertEquals((await set.exited).code, 0);
    assertEquals((await lab.gateway.readProc(path))[0]?.trim(), "7");
    assertEquals(await readOutside(path), outside);
  },
});

Deno.test({
  name: "nothing of a lab is left once it is disposed, not even what nobody stopped",
  ...privateLab,
  async fn() {
    const lab = await startPrivateLab();
    const left = await lab.backend.start({
      name: "left",
      argv: ["sh", "-c", "trap '' TERM; sleep 1000"],
    });
    const directory = await lab.gateway.procNet();
    await lab[Symbol.asyncDispose]();
    await left.exited;
    await until(async () => (await readOutside(directory)) === "");
  },
});

Deno.test({
  name: "the lab that was asked for is the lab that is chosen",
  ...privateLab,
  async fn() {
    for (const kind of ["private", "loopback", "host"] as const) {
      assertEquals(await chooseLab(kind), { kind });
    }
    assertEquals(await chooseLab("auto"), { kind: "private" });
  },
});

Deno.test({
  name: "a lab that is not up in time is an error, and nothing of it is left",
  ...privateLab,
  async fn() {
    await assertRejects(() => startPrivateLab(1), Error, "the private lab was not up after 0.001 s");
    // The sanitizers see a child that was not waited for.
  },
});

Deno.test({
  name: "root's lab knows all users, so that a gateway can change its own; an ordinary user's knows one",
  ...privateLab,
  async fn() {
    await using lab = await startPrivateLab();
    const lines: string[] = [];
    const argv = ["sh", "-c", "setpriv --reuid 33 --regid 33 --init-groups id -u || id -u"];
    await using child = await lab.gateway.start({
      name: "id",
      argv,
      onStdout: (line) => lines.push(line),
    });
    await child.exited;
    assertEquals(lines, [Deno.uid() === 0 && await mapsMany() ? "33" : "0"]);
  },
});

Deno.test("a file of /proc that is not there reads as undefined, and the next one is read all the same", async () => {
  await using lab = await openLab("host");
  const [none, uptime] = await lab.client.readProc("/proc/no-such-file", "/proc/uptime");
  assertEquals(none, undefined);
  assert(/^\d+\.\d+ /.test(uptime!));
});

Deno.test("where a command of the lab is missing, its name and package are the reason", async () => {
  const path = Deno.env.get("PATH")!;
  const { statSync } = Deno;
  Deno.statSync = (name) => {
    if (String(name).endsWith("/ip")) throw new Deno.errors.NotFound();
    return statSync(name);
  };
  try {
    await assertRejects(startPrivateLab, CommandNotFoundError, "apt-get install iproute2");
    assertEquals((await chooseLab("auto")).kind, "host");
    assertStringIncludes((await whyNoPrivateLab())!, "ip was not found on PATH");
    await assertRejects(() => chooseLab("private"), UnavailableError, "A host lab needs nothing");
    await assertRejects(
      () => chooseLab("loopback"),
      UnavailableError,
      "lab cannot be loopback: ip was not found",
    );
  } finally {
    Deno.statSync = statSync;
    Deno.env.set("PATH", path);
  }
});

/** Whether root here has users to give. */
async function mapsMany(): Promise<boolean> {
  const [, , count] = (await readOutside("/proc/self/uid_map")).trim().split(/\s+/);
  return Number(count) > 1000;
}

function denoEval(code: string): string[] {
  return [Deno.execPath(), "eval", code];
}

async function fetchFrom(lab: Lab, client: typeof HOST_NAMES[number], url: string): Promise<string> {
  const lines: string[] = [];
  const code = `
    for (let left = 100; ; left--) {
      try { console.log(await (await fetch("${url}")).text()); break; }
      catch (error) { if (left === 0 || "${url}".endsWith(":9009/")) throw error; await new Promise((r) => setTimeout(r, 50)); }
    }`;
  const argv = denoEval(code);
  await using child = await lab[client].start({
    name: "fetch",
    argv,
    onStdout: (line) => lines.push(line),
  });
  await child.exited;
  return lines.join();
}

async function readOutside(path: string): Promise<string> {
  const { stdout } = await new Deno.Command("cat", { args: [path], stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name:
    "a host that is made anew has no socket left, its sysctls and its links, and the others' sockets go on",
  ...privateLab,
  async fn() {
    await using lab = await startPrivateLab();
    await using backend = await startBackendIn(lab, { latencyMs: 0, bodyBytes: 2, status: 200 });
    const url = `/dev/tcp/${backend.hostname}/${backend.port}`;
    const $ = lab.gateway.$.build$({ commandBuilder: (builder) => builder.env("URL", url) });
    const fetched = () => $`exec 3<>$URL; printf 'GET / HTTP/1.0\r\n\r\n' >&3; tail -c 2 <&3`.text();
    const timeWaits = async () => {
      const [sockstat] = await lab.gateway.readProc("/proc/net/sockstat");
      assertEquals(await $`ss -Htan state time-wait | wc -l`.text(), / tw (\d+) /.exec(sockstat!)![1]);
      return Number(/ tw (\d+) /.exec(sockstat!)![1]);
    };
    await $`sysctl -q -w net.ipv4.ip_local_port_range='21000 21999' net.ipv4.tcp_tw_reuse=0`;
    await $`for i in 1 2 3; do : 3<>$URL; done`;
    await until(async () => await timeWaits() === 3);
    const before = await lab.gateway.procNet();

    for (let time = 0; time < 2; time++) {
      await lab.renew!("gateway");
      assertEquals(await timeWaits(), 0);
      assertNotEquals(await lab.gateway.procNet(), before);
      assertEquals(await $`sysctl -n net.ipv4.ip_local_port_range net.ipv4.tcp_tw_reuse`.lines(), [
        "21000\t21999",
        "0",
      ]);
      assertEquals(await fetched(), "xx");
    }

    const serve =
      `Deno.serve({ hostname: "${lab.gateway.address}", port: 9000, onListen() {} }, () => new Response("new"))`;
    await using _server = await lab.gateway.start({ name: "server", argv: denoEval(serve) });
    assertEquals(await fetchFrom(lab, "client", `http://${lab.gateway.address}:9000/`), "new");
  },
});

Deno.test({
  name: "what still runs on a host that is made anew is cut off, and one that cannot be is an error",
  ...privateLab,
  async fn() {
    await using lab = await startPrivateLab();
    await using backend = await startBackendIn(lab, { latencyMs: 0, bodyBytes: 2, status: 200 });
    const lines: string[] = [];
    const connect =
      `exec 3<>/dev/tcp/${backend.hostname}/${backend.port}; echo open; read -r _; exec 4<>/dev/tcp/${backend.hostname}/${backend.port} && echo reached`;
    const argv = ["bash", "-c", connect];
    await using left = await lab.gateway.start({ name: "left", argv, onStdout: (line) => lines.push(line) });
    await until(() => lines.length > 0);
    await lab.renew!("gateway");
    await left.writeLine("again");
    assertStringIncludes(reasonOfExit(await left.exited), "unreachable");
    assertEquals(lines, ["open"]);
    await lab.client.$`rm /run/netns/backend`.noThrow().quiet();
    await lab.client.$`umount /run/netns/backend && rm /run/netns/backend`;
    await assertRejects(() => lab.renew!("gateway"), Error, "the gateway could not be made anew: failed ");
  },
});

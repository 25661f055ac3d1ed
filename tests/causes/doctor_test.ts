/** Gateways that run in a lab, diagnosed from outside while they do, by an ordinary user. */

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { diagnose } from "../../tools/doctor/diagnosis.ts";
import { takeCapture } from "../../tools/doctor/take_capture.ts";
import { findCommand } from "../../tools/lab/find_command.ts";
import { type ScriptLab, startLab } from "../../tools/run/script_lab.ts";
import { ORDINARY, watchRun } from "../support/diagnosed.ts";
import "../support/one_at_a_time.ts";
import { ROOT } from "../support/root.ts";
import type { Gateway } from "../../tools/scenario/scenario.ts";
import { peers, privateLab, wrkInPrivateLab } from "../support/requirements.ts";

const { signal } = new AbortController();

async function pidIn(lab: ScriptLab): Promise<number> {
  return Number(/\d+/.exec(await lab.gateway.procNet())![0]);
}

Deno.test({
  name: "a gateway whose pool is too small is diagnosed by PID while it runs, by an ordinary user",
  ...wrkInPrivateLab,
  async fn() {
    await using lab = await startLab({ kind: "private" });
    await using backend = await lab.startBackend({ latency: "20ms" });
    await using gateway = await lab.startGateway({ upstream: backend, poolMaxIdlePerHost: 10 });
    const load = lab.runLoad({ url: gateway.url, connections: 100, duration: "4s", warmUp: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const capture = await takeCapture({ host: ORDINARY, pid: await pidIn(lab), seconds: 2, signal });
    const { connectionsOpened } = await load;
    const { facts, problems, verdict } = diagnose(capture);
    const service = new URL(backend.url).host;
    const [destination] = facts!.destinations;
    assertEquals([verdict, destination?.service], ["wrong", service]);
    assert(problems.some((problem) => "destination" in problem && problem.destination.service === service));
    assertGreater(facts!.closers!.opened.herePerSec, facts!.closers!.opened.otherwisePerSec);
    assertGreater(destination!.states.timeWait, 50);
    assertGreater(connectionsOpened, destination!.states.timeWait / 2);
    assertEquals(facts!.listeners.map(({ port }) => port), [Number(new URL(gateway.url).port)]);
  },
});

Deno.test({
  name: "a gateway whose pool fits has nothing wrong, and the same process is found by its port",
  ...wrkInPrivateLab,
  async fn() {
    await using lab = await startLab({ kind: "private" });
    await using backend = await lab.startBackend({ latency: "20ms" });
    await using gateway = await lab.startGateway({ upstream: backend, poolMaxIdlePerHost: 100 });
    const load = lab.runLoad({ url: gateway.url, connections: 50, duration: "4s", warmUp: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const port = Number(new URL(gateway.url).port);
    const { facts, verdict, capture } = diagnose(await takeCapture({ port, seconds: 2, signal }));
    await load;
    assertEquals(verdict, "nothing wrong");
    assert(capture.namespaceOf !== undefined);
    const [destination] = facts!.destinations;
    assertEquals(destination?.service, new URL(backend.url).host);
    assertGreater(destination!.pool.kept, 10);
  },
});

/** A gateway under load, what its requests come to by the load's own count, and the diagnosis meanwhile. */
async function diagnoseUnderLoad(
  gateway: Gateway,
  { latency = "20ms", connections = 100 }: { latency?: "20ms" | "5ms"; connections?: number } = {},
) {
  await using lab = await startLab({ kind: "private" });
  await using backend = await lab.startBackend({ latency });
  await using started = await lab.startGateway({ ...gateway, upstream: backend });
  const load = lab.runLoad({ url: started.url, connections, duration: "5s", warmUp: 0 });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const capture = await takeCapture({ pid: await pidIn(lab), seconds: 2, signal });
  const { requestsPerSec } = await load;
  return { diagnosis: diagnose(capture, { requestsPerSec }), without: diagnose(capture) };
}

const start = `${ROOT}scenarios/peers/start.sh`;
const where = "{listen_host} {listen_port} {upstream_host} {upstream_port}";

const PLANTED: readonly {
  readonly name: string;
  readonly gateway: Gateway;
  readonly needs: { readonly ignore: boolean };
  readonly causes: readonly string[];
  readonly product?: string;
}[] = [
  {
    name: "ours, whose pool is too small",
    gateway: { poolMaxIdlePerHost: 10 },
    needs: wrkInPrivateLab,
    causes: ["pool-too-small"],
    product: "deno",
  },
  {
    name: "ours, whose pool fits",
    gateway: { poolMaxIdlePerHost: 200 },
    needs: wrkInPrivateLab,
    causes: ["none"],
    product: "deno",
  },
  {
    name: "ours, which keeps nothing",
    gateway: { poolMaxIdlePerHost: 0 },
    needs: wrkInPrivateLab,
    // From outside a pool of a few among many clients looks the same.
    causes: ["used-once", "pool-too-small"],
    product: "deno",
  },
  {
    name: "nginx, whose pool is too small",
    gateway: { command: `${start} nginx ${where} 2` },
    needs: { ignore: peers.ignore || wrkInPrivateLab.ignore },
    causes: ["pool-too-small"],
    product: "nginx",
  },
  {
    name: "HAProxy, whose pool is too small, which closes by reset",
    gateway: { command: `${start} haproxy ${where} 2` },
    needs: { ignore: peers.ignore || wrkInPrivateLab.ignore },
    causes: ["pool-too-small"],
    product: "haproxy",
  },
];

for (const { name, gateway, needs, causes, product } of PLANTED) {
  Deno.test(`a gateway is told the cause that bench names: ${name}`, needs, async () => {
    const { diagnosis, without } = await diagnoseUnderLoad(gateway);
    const seen = {
      causes: diagnosis.causes.map(({ cause }) => cause),
      product: diagnosis.product?.id,
      amongPossible: causes[0] === "none" || without.causes.some(({ cause }) => cause === causes[0]),
    };
    const wanted = { causes: [...causes], product, amongPossible: true };
    assertEquals(seen, wanted, JSON.stringify(diagnosis.facts?.rates));
    assertEquals(diagnosis.verdict, causes[0] === "none" ? "nothing wrong" : "wrong");
  });
}

const LIMITS: readonly {
  readonly name: string;
  readonly run: Parameters<typeof watchRun>[1];
  readonly cause: string;
  /** Whose it may be said to be: where the gateway closes first, it may be told to, and nobody knows. */
  readonly sides: readonly (string | undefined)[];
}[] = [
  {
    name: "nginx's own",
    run: { gateway: { command: `REQUESTS=100 ${start} nginx ${where} 200` } },
    cause: "request-limit",
    sides: [undefined],
  },
  {
    name: "the backend's, behind Go",
    run: { gateway: { command: `${start} go ${where} 200` }, backend: { closeAfterRequests: 100 } },
    cause: "request-limit",
    sides: ["backend", undefined],
  },
  {
    name: "none, but a small pool",
    run: { gateway: { command: `${start} go ${where} 5` } },
    cause: "pool-too-small",
    sides: ["gateway"],
  },
];

for (const { name, run, cause, sides } of LIMITS) {
  Deno.test({
    name: `a limit of requests is told from outside by how long connections live: ${name}`,
    ignore: peers.ignore || wrkInPrivateLab.ignore,
    async fn() {
      // A connection lives for two seconds or more.
      const scenario = { load: { connections: 30 }, backend: { latency: "20ms" as const } };
      const { capture, requestsPerSec } = await watchRun(scenario, run, {
        host: ORDINARY,
        seconds: 8,
        loadSec: 11,
      });
      const { causes, facts } = diagnose(capture, { requestsPerSec });
      assertEquals(causes[0]?.cause, cause, JSON.stringify(facts?.lives));
      assert(sides.includes(causes[0]?.side), causes[0]?.side);
    },
  });
}

/** Counts of `ss -tan` by state, in the words of the facts. */
async function countsOfSs(lab: ScriptLab): Promise<Record<string, number>> {
  const lines = await lab.gateway.$`ss -Htan`.lines();
  const names: Record<string, string> = {
    "ESTAB": "established",
    "TIME-WAIT": "timeWait",
    "CLOSE-WAIT": "closeWait",
    "FIN-WAIT-2": "finWait2",
    "LISTEN": "listen",
  };
  const counts: Record<string, number> = {};
  for (const line of lines.filter((line) => line !== "")) {
    const name = names[line.split(" ")[0]!] ?? "other";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

Deno.test({
  name: "the counts are those of ss, state by state",
  ...wrkInPrivateLab,
  async fn() {
    await using lab = await startLab({ kind: "private" });
    await using backend = await lab.startBackend({ latency: "5ms" });
    await using gateway = await lab.startGateway({ upstream: backend, poolMaxIdlePerHost: 5 });
    // Several thousand sockets, however busy the machine is.
    do {
      await lab.runLoad({ url: gateway.url, connections: 200, duration: "1s", warmUp: 0 });
    } while (((await countsOfSs(lab)).timeWait ?? 0) < 3000);
    const pid = await pidIn(lab);
    // What the load has left changes no more, but for what still closes at first.
    let [before, after, facts] = [
      {},
      await countsOfSs(lab),
      undefined as ReturnType<typeof diagnose>["facts"],
    ];
    do {
      before = after;
      facts = diagnose(await takeCapture({ pid, seconds: 0, signal })).facts;
      after = await countsOfSs(lab);
    } while (JSON.stringify(before) !== JSON.stringify(after));
    const { timeWait, established, closeWait, finWait2 } = facts!.states;
    const listen = facts!.listeners.filter(({ listening }) => listening).length;
    const none = { timeWait: 0, established: 0, closeWait: 0, finWait2: 0, listen: 0 };
    assertEquals({ timeWait, established, closeWait, finWait2, listen }, { ...none, ...after });
    assertGreater(timeWait, 2000);
  },
});

const sshd = {
  ignore: privateLab.ignore || whyNoSshd() !== undefined,
};
if (whyNoSshd() !== undefined) console.error(`tests that need sshd are ignored: ${whyNoSshd()}`);

function whyNoSshd(): string | undefined {
  try {
    for (const command of ["ssh", "ssh-keygen", "sshd"]) findCommand(command);
  } catch (error) {
    return (error as Error).message;
  }
  return Deno.uid() === 0 ? undefined : "a namespace of a lab is entered as root only";
}

Deno.test({
  name: "a host is read through ssh and a real sshd, which runs in the network namespace of a lab's gateway",
  ...sshd,
  async fn() {
    await using lab = await startLab({ kind: "private" });
    await using backend = await lab.startBackend();
    await using gateway = await lab.startGateway({ upstream: backend });
    const folder = await Deno.makeTempDir();
    try {
      for (const key of ["host", "user"]) {
        await new Deno.Command("ssh-keygen", {
          args: ["-q", "-N", "", "-t", "ed25519", "-f", `${folder}/${key}`],
        })
          .output();
      }
      await Deno.copyFile(`${folder}/user.pub`, `${folder}/authorized`);
      // sshd wants a folder that its service makes: it gets a /run of its own.
      const server = `#!/bin/sh
exec nsenter -t ${await pidIn(
        lab,
      )} -n -- unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/sshd && exec "$@"' sh \\
  ${findCommand("sshd")} -i -f /dev/null -h ${folder}/host \\
  -o AuthorizedKeysFile=${folder}/authorized -o StrictModes=no -o UsePAM=no -o PermitRootLogin=yes
`;
      await Deno.writeTextFile(`${folder}/server`, server, { mode: 0o700 });
      const host =
        `ssh -F none -i ${folder}/user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ` +
        `-o LogLevel=ERROR -o BatchMode=yes -o ProxyCommand=${folder}/server root@lab`;
      const capture = await takeCapture({ host, seconds: 1, signal });
      const { facts } = diagnose(capture);
      assertEquals(capture.namespaceOf, undefined);
      assertEquals(facts!.listeners.map(({ port }) => port), [Number(new URL(gateway.url).port)]);
      assertStringIncludes(facts!.program?.name ?? "", "deno");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

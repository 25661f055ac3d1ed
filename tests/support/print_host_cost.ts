/**
 * Prints what a remote host costs the machine that runs the bench: hosts are network namespaces, which
 * `nsenter` leads to, and one host by ssh. Run it alone:
 * `deno run --allow-all tests/support/print_host_cost.ts 1 10 50`.
 */

import { cpuUsage } from "node:process";
import { connectHost, type RemoteHost } from "../../tools/lab/remote/remote_host.ts";
import { startSshMachines } from "./ssh_machines.ts";

/** Time that is measured, in seconds. */
const SECONDS = 10;

/** Prints ten lines a second, each as long as a sample of TCP counters, in two writes, as a sampler does. */
const SAMPLER = `five=$(for i in 1 2 3 4 5; do echo '1234.56 28000 1000 123456'; done)
while :; do echo "$five"; sleep 0.5; done`;

/** A network namespace that goes with its process. */
function startNamespace(): { readonly prefix: string } & Disposable {
  const holder = new Deno.Command("unshare", { args: ["-Urn", "cat"], stdin: "piped" }).spawn();
  return {
    prefix: `nsenter -t ${holder.pid} -U --preserve-credentials -n --`,
    [Symbol.dispose]: () => holder.kill("SIGKILL"),
  };
}

function cpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

/** CPU of this process over some seconds, in milliseconds a second. */
async function cpuMsPerSec(): Promise<number> {
  const before = cpuMs();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  return (cpuMs() - before) / SECONDS;
}

function residentMiB(): number {
  return Deno.memoryUsage().rss / 2 ** 20;
}

async function measure(count: number): Promise<void> {
  using stack = new DisposableStack();
  const namespaces = Array.from({ length: count }, () => stack.use(startNamespace()));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const [rss, cpu, startMs] = [residentMiB(), cpuMs(), performance.now()];
  const hosts = await Promise.all(
    namespaces.map(({ prefix }, i) => connectHost({ name: `client ${i}`, prefix, address: "" })),
  );
  const connected = { sec: (performance.now() - startMs) / 1000, cpuMs: (cpuMs() - cpu) / count };
  const idle = await cpuMsPerSec();
  let lines = 0;
  const start = (host: RemoteHost) =>
    host.start({ name: "sampler", argv: ["sh", "-c", SAMPLER], onStdout: () => lines++ });
  await Promise.all(hosts.map(start));
  const sampled = await cpuMsPerSec();
  const grown = residentMiB() - rss;
  const clock = Math.max(
    ...(await Promise.all(hosts.map((host) => host.clock()))).map(({ errorMs }) => errorMs),
  );
  const endMs = performance.now();
  await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
  const show = (value: number) => value.toFixed(2);
  console.log(
    `${count} hosts: connected in ${show(connected.sec)} s (${
      show(connected.cpuMs)
    } ms of CPU each); the lease ` +
      `${show(idle / count)} ms of CPU a second each; with ten lines a second ${
        show(sampled / count)
      } ms each ` +
      `(${lines} lines); ${show(grown / count)} MiB each; clock ±${show(clock)} ms at worst; ended in ${
        show((performance.now() - endMs) / 1000)
      } s`,
  );
}

/** What the clients of one host by ssh take: memory of their own, and CPU. */
async function measureSsh(): Promise<void> {
  await using machines = await startSshMachines();
  await using host = await connectHost({ name: "gateway", prefix: machines.prefix("gateway"), address: "" });
  await host.start({ name: "sampler", argv: ["sh", "-c", SAMPLER] });
  const clients = async () => {
    const script = `for pid in $(pgrep -f '^ssh .*nobody@198.18.0.2 sh$'); do
      awk '/^Pss:/ { print $2 }' /proc/$pid/smaps_rollup; awk '{ print $14 + $15 }' /proc/$pid/stat; done`;
    const { stdout } = await new Deno.Command("sh", { args: ["-c", script] }).output();
    const figures = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
    return { kiB: figures.filter((_, i) => i % 2 === 0), ticks: figures.filter((_, i) => i % 2 === 1) };
  };
  const before = await clients();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const after = await clients();
  const perSec = after.ticks.map((ticks, i) => (ticks - before.ticks[i]!) * 10 / SECONDS);
  console.log(
    `ssh, lease and sampler: ${after.kiB.map((kiB) => (kiB / 1024).toFixed(1)).join(" and ")} MiB, ` +
      `${perSec.join(" and ")} ms of CPU a second`,
  );
}

for (const count of Deno.args.map(Number)) await measure(count);
await measureSsh();

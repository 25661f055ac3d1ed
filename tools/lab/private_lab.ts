/**
 * The private lab: three network namespaces in one user, mount and PID namespace. Needs no root.
 *
 * It lives as long as its first process, which reads a pipe that only this process holds open: when the bench
 * ends, in whatever way, the kernel closes the pipe, the first process ends, and the kernel kills all others
 * of the PID namespace (pid_namespaces(7)).
 *
 * @module
 */

import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { createHost, type Host, localMachine } from "./host.ts";
import type { Lab } from "./lab.ts";
import { CommandNotFoundError, findCommand, reasonOfExit, runCommand, startProcess } from "./process.ts";

/**
 * The addresses of the hosts. They exist in the lab only. 198.18.0.0/15 is set aside for tests of network devices
 * (RFC 2544, RFC 6890), so they shadow nothing that a measured gateway might have to reach.
 */
export const PRIVATE_ADDRESSES: Readonly<Record<HostName, string>> = {
  client: "198.18.0.1",
  gateway: "198.18.0.2",
  backend: "198.18.0.3",
};

const NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child"];

/**
 * Root maps all the users and groups that there are, so that a gateway can change its user. The mapping is written from
 * outside, before the program that makes the other namespaces is executed as the root of the new one. Whoever is not root
 * may map itself only, which `unshare` does.
 */
const WAIT_FOR_IDS = 'read -r pid _ </proc/self/stat; echo "map $pid"; read -r _ || exit 1; exec "$@"';
const MAP_IDS = `
for kind in uid gid; do
  map=$(while read -r first _ count; do echo "$first $first $count"; done <"/proc/self/\${kind}_map")
  # A map is taken in one write, once.
  echo "$map" 2>/dev/null >"/proc/$1/\${kind}_map" && continue
  [ "$kind" = uid ] || echo deny >"/proc/$1/setgroups"
  echo 0 0 1 >"/proc/$1/\${kind}_map" || exit 1
done`;

/** How long the namespaces may take to be made, in milliseconds. */
const START_TIMEOUT_MS = 10_000;

const SETUP = new URL("./private_lab.sh", import.meta.url);
const LOOPBACK_SETUP = new URL("./loopback_lab.sh", import.meta.url);

/**
 * Starts a private lab. `timeoutMs` is how long that may take, by default 10 s.
 *
 * @throws {CommandNotFoundError} where `unshare`, `nsenter`, `ip` or `bash` is missing.
 * @throws {Error} where the kernel or a security policy refuses; {@linkcode whyNoPrivateLab} says which.
 */
export async function startPrivateLab(timeoutMs = START_TIMEOUT_MS): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const pid = await startNamespaces(SETUP, stack, timeoutMs);
  const entries = HOST_NAMES.map((name): [HostName, Host] => {
    const prefix = [...nsenter(pid), `--net=/proc/${pid}/root/run/netns/${name}`, "--"];
    return [name, stack.use(createHost({ name, address: PRIVATE_ADDRESSES[name], prefix }))];
  });
  const hosts = Object.fromEntries(entries) as Record<HostName, Host>;
  const owned = stack.move();
  return { kind: "private", ...hosts, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * Starts a lab whose three hosts are one network namespace and talk over its 127.0.0.1, which is not the machine's.
 *
 * @throws {Error} as {@linkcode startPrivateLab}.
 */
export async function startLoopbackLab(): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const pid = await startNamespaces(LOOPBACK_SETUP, stack, START_TIMEOUT_MS);
  const prefix = [...nsenter(pid), "-n", "--"];
  const host = stack.use(createHost({ name: "the loopback lab", address: "127.0.0.1", prefix }));
  const owned = stack.move();
  return {
    kind: "loopback",
    client: host,
    gateway: host,
    backend: host,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts the first process of a lab, which dies with the stack or with the bench, and returns its process id. */
async function startNamespaces(
  setup: URL,
  stack: AsyncDisposableStack,
  timeoutMs: number,
): Promise<number> {
  for (const command of ["ip", "bash", "nsenter"]) findCommand(command);
  const unshare = findCommand("unshare");
  const make = [unshare, ...NAMESPACES, "/bin/sh", "-c", await Deno.readTextFile(setup)];
  const argv = Deno.uid() === 0
    ? [unshare, "--user", "/bin/sh", "-c", WAIT_FOR_IDS, "sh", ...make]
    : [unshare, "--user", "--map-root-user", ...make.slice(1)];
  const ready = Promise.withResolvers<number>();
  let mapping = Promise.resolve();
  let waiting = true;
  const first = await startProcess([], {
    name: "the private lab",
    argv,
    env: Object.fromEntries(HOST_NAMES.map((name) => [name.toUpperCase(), PRIVATE_ADDRESSES[name]])),
    onStdout: (line) => {
      const [word, pid = ""] = line.split(" ");
      if (word === "ready") ready.resolve(Number(pid));
      if (word !== "map" || !waiting) return;
      mapping = mapIds(pid);
      mapping.then(() => first.writeLine("mapped")).catch(ready.reject);
    },
  });
  stack.use(first);
  stack.defer(() => first.closeInput());
  first.exited.then((status) => ready.reject(new Error(reasonOfExit(status))));
  const timer = setTimeout(
    () => ready.reject(new Error(`the private lab was not up after ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  try {
    return await ready.promise;
  } finally {
    clearTimeout(timer);
    waiting = false;
    // A lab that is given up may be in the midst of it.
    await mapping.catch(() => {});
  }
}

async function mapIds(pid: string): Promise<void> {
  await runCommand(["/bin/sh", "-c", MAP_IDS, "map_ids", pid]);
}

function nsenter(pid: number): string[] {
  return [findCommand("nsenter"), "-t", String(pid), "-U", "--preserve-credentials", "-m", "-p"];
}

/**
 * Why a private lab cannot be had here, with what would permit it; `undefined` where it can. Found out by starting
 * one, so nothing that forbids it can be overlooked; what is read afterwards only names the cause.
 */
export async function whyNoPrivateLab(): Promise<string | undefined> {
  try {
    await using _lab = await startPrivateLab();
    return undefined;
  } catch (error) {
    if (error instanceof CommandNotFoundError) return error.message;
    return `${(error as Error).message}. ${await nameObstacle()}`;
  }
}

const APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
const CLONE = "/proc/sys/kernel/unprivileged_userns_clone";
const MAX_USER = "/proc/sys/user/max_user_namespaces";
const MAX_NET = "/proc/sys/user/max_net_namespaces";

/** Which of the known obstacles to user namespaces stands here, and what takes it away. */
async function nameObstacle(): Promise<string> {
  await using machine = localMachine();
  const texts = await machine.readProc(APPARMOR, CLONE, MAX_USER, MAX_NET, "/proc/self/status");
  const [apparmor, clone, maxUser, maxNet] = texts.map((text) => text?.trim());
  if (maxUser === "0") {
    return "user.max_user_namespaces is 0: as root, sysctl user.max_user_namespaces=10000 permits it";
  }
  if (maxNet === "0") {
    return "user.max_net_namespaces is 0: as root, sysctl user.max_net_namespaces=10000 permits it";
  }
  if (clone === "0") {
    return "kernel.unprivileged_userns_clone is 0: sudo sysctl kernel.unprivileged_userns_clone=1 permits it, or running as root";
  }
  if (apparmor === "1") {
    return "kernel.apparmor_restrict_unprivileged_userns is 1, as on Ubuntu 23.10 and later: " +
      "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 permits it, or running as root";
  }
  if (/^Seccomp:\s*2$/m.test(texts.at(-1) ?? "")) {
    return "This looks like a container whose seccomp filter forbids namespaces: " +
      "docker run --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined permits it";
  }
  return "The kernel or a security policy forbids user namespaces here";
}

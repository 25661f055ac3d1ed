/**
 * The private lab: three network namespaces in one user, mount and PID namespace. Needs no root.
 *
 * It lives as long as its first process, which reads a pipe that only the bench holds open. When the bench
 * ends, in whatever way, the kernel closes the pipe, the first process ends, and the kernel kills all others
 * of the PID namespace (pid_namespaces(7)).
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { messageOf } from "../errors.ts";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { createHost, type LocalHost, localMachine } from "./host.ts";
import type { Lab } from "./lab.ts";
import LOOPBACK_SETUP from "./loopback_lab.sh" with { type: "text" };
import SETUP from "./private_lab.sh" with { type: "text" };
import { CommandNotFoundError, findCommand } from "./find_command.ts";
import { reasonOfExit, runCommand, type RunningProcess, startProcess } from "./process.ts";

/**
 * The addresses of the hosts, which exist in the lab only. 198.18.0.0/15 is set aside for tests of network
 * devices (RFC 2544, RFC 6890), so these addresses shadow nothing that a measured gateway might have to
 * reach.
 */
const PRIVATE_ADDRESSES: Readonly<Record<HostName, string>> = {
  client: "198.18.0.1",
  gateway: "198.18.0.2",
  backend: "198.18.0.3",
};

const NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child"];

/**
 * Root maps all the users and groups that there are, so that a gateway can change its user. The mapping is
 * written from outside, before the program that makes the other namespaces runs as root of the new one. An
 * ordinary user may map nobody else, and `unshare` does that.
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

/** Longest time that making the namespaces, or one of them anew, may take, in milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Starts a private lab within `timeoutMs`, by default 10 s.
 *
 * @throws {CommandNotFoundError} where `unshare`, `nsenter`, `ip` or `bash` is missing.
 * @throws {Error} where the kernel or a security policy refuses; {@linkcode whyNoPrivateLab} says which.
 */
export async function startPrivateLab(timeoutMs = TIMEOUT_MS): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const answers: PromiseWithResolvers<string>[] = [];
  const { pid, first } = await startNamespaces(
    SETUP,
    stack,
    timeoutMs,
    (line) => answers.shift()?.resolve(line),
  );
  const entries = HOST_NAMES.map((name): [HostName, LocalHost] => {
    const prefix = [...nsenter(pid), `--net=/proc/${pid}/root/run/netns/${name}`, "--"];
    return [name, stack.use(createHost({ name, address: PRIVATE_ADDRESSES[name], prefix }))];
  });
  const hosts = Object.fromEntries(entries) as Record<HostName, LocalHost>;
  const owned = stack.move();
  return {
    kind: "private",
    ...hosts,
    async renew(name) {
      // Its reader of /proc would keep the old namespace, and read on in it.
      await hosts[name][Symbol.asyncDispose]();
      const answer = Promise.withResolvers<string>();
      answers.push(answer);
      await first.writeLine(`renew ${name}`);
      const ended = first.exited.then(reasonOfExit);
      const line = await deadline(Promise.race([answer.promise, ended]), TIMEOUT_MS);
      if (line !== `renewed ${name}`) throw new Error(`the ${name} could not be made anew: ${line}`);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Starts a lab whose three hosts are one network namespace and talk over its 127.0.0.1, which is not the
 * machine's.
 *
 * @throws {Error} as {@linkcode startPrivateLab}.
 */
export async function startLoopbackLab(): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const { pid } = await startNamespaces(LOOPBACK_SETUP, stack, TIMEOUT_MS);
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

/** The first process of a lab. */
interface FirstProcess {
  /** Its process id outside of the lab. */
  readonly pid: number;
  /** The program that has made its namespaces. */
  readonly first: RunningProcess;
}

/**
 * Starts the first process of a lab, which ends with the stack and with the bench. `onAnswer` is called with
 * what it prints later on.
 */
async function startNamespaces(
  setup: string,
  stack: AsyncDisposableStack,
  timeoutMs: number,
  onAnswer: (line: string) => void = () => {},
): Promise<FirstProcess> {
  for (const command of ["ip", "bash", "nsenter"]) findCommand(command);
  const unshare = findCommand("unshare");
  const make = [unshare, ...NAMESPACES, "/bin/sh", "-c", setup];
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
      if (!waiting) return onAnswer(line);
      if (word === "ready") ready.resolve(Number(pid));
      if (word !== "map") return;
      mapping = mapIds(pid);
      mapping.then(() => first.writeLine("mapped")).catch(ready.reject);
    },
  });
  stack.use(first);
  stack.defer(() => first.closeInput());
  first.exited.then((status) => ready.reject(new Error(reasonOfExit(status))));
  try {
    return { pid: await deadline(ready.promise, timeoutMs), first };
  } catch (error) {
    if ((error as Error).name !== "TimeoutError") throw error;
    throw new Error(`the private lab was not up after ${timeoutMs / 1000} s`);
  } finally {
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
 * Why a private lab cannot be had here, and what would permit it; `undefined` where it can. A private lab is
 * started to find out, so nothing that forbids it can be overlooked. What is read afterwards only names the
 * cause.
 */
export async function whyNoPrivateLab(): Promise<string | undefined> {
  try {
    await using _lab = await startPrivateLab();
    return undefined;
  } catch (error) {
    if (error instanceof CommandNotFoundError) return error.message;
    return `${messageOf(error)}. ${await nameObstacle()}`;
  }
}

const APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
const CLONE = "/proc/sys/kernel/unprivileged_userns_clone";
const MAX_USER = "/proc/sys/user/max_user_namespaces";
const MAX_NET = "/proc/sys/user/max_net_namespaces";

/** Names the obstacle to user namespaces that is found here, and what removes it. */
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

/**
 * The host lab: client, gateway and backend on the machine's own loopback.
 *
 * All three share one set of TCP tables, so TIME_WAIT is attributed by port, and the machine's other
 * connections are counted as well. On loopback `tcp_tw_reuse` is on by default (value 2), so port exhaustion
 * does not show here (ip-sysctl.rst in the kernel's documentation).
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { createHost } from "./host.ts";
import { ANSWER_LIMIT_MS } from "./in_time.ts";
import type { Lab } from "./lab.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import GUARD from "./host_lab.sh" with { type: "text" };

/**
 * Starts a host lab. It has no PID namespace with which the kernel would end its processes, so a guard does:
 * a shell that notes each process group, and kills the groups that are left when the bench is gone.
 *
 * @throws {CommandNotFoundError} where `setsid` or `bash` is missing.
 */
export async function startHostLab(): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const id = crypto.randomUUID();
  const guard = await startProcess([], {
    name: "the guard of the host lab",
    argv: ["/bin/sh", "-c", GUARD, "guard", id],
  });
  stack.use(guard);
  stack.defer(async () => {
    await guard.closeInput();
    // One that does not end in time is stopped right after this.
    await deadline(guard.exited, ANSWER_LIMIT_MS).catch(() => {});
  });
  const note = async (processGroup: number, ended: Promise<unknown>) => {
    await guard.writeLine(`+${processGroup}`);
    ended.then(() => guard.writeLine(`-${processGroup}`)).catch(() => {});
  };
  const machine = stack.use(
    createHost({
      name: "this machine",
      address: "127.0.0.1",
      prefix: [],
      env: { TIMEWAIT_LAB: id },
      beforeExec: (process: RunningProcess) => note(process.processGroup, process.exited),
      // Until the guard has read it, the mark in the environment stands for the group.
      onGroup: (processGroup, ended) => void note(processGroup, ended).catch(() => {}),
    }),
  );
  const hosts = Object.fromEntries(HOST_NAMES.map((name) => [name, machine])) as Record<
    HostName,
    typeof machine
  >;
  const owned = stack.move();
  return { kind: "host", ...hosts, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

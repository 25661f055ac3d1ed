/**
 * The host lab: client, gateway and backend on the machine's own loopback.
 *
 * All three share one set of TCP tables, so TIME_WAIT is attributed by port, and what the machine does besides is
 * counted with it. On loopback `tcp_tw_reuse` is on by default (value 2), so port exhaustion hides here
 * (ip-sysctl.rst in the kernel's documentation).
 *
 * @module
 */

import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { createHost } from "./host.ts";
import type { Lab } from "./lab.ts";
import { type RunningProcess, startProcess } from "./process.ts";

const GUARD = new URL("./host_lab.sh", import.meta.url);

/**
 * Starts a host lab. Without a PID namespace the kernel does not end what is in it, so a guard does: a shell that
 * notes each process group before its program runs, and kills them when the bench is gone.
 *
 * @throws {CommandNotFoundError} where `setsid` or `bash` is missing.
 */
export async function startHostLab(): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const id = crypto.randomUUID();
  const guard = await startProcess([], {
    name: "the guard of the host lab",
    argv: ["/bin/sh", "-c", await Deno.readTextFile(GUARD), "guard", id],
  });
  stack.use(guard);
  stack.defer(async () => {
    await guard.closeInput();
    await guard.exited;
  });
  const beforeExec = async (process: RunningProcess) => {
    await guard.writeLine(`+${process.processGroup}`);
    process.exited.then(() => guard.writeLine(`-${process.processGroup}`)).catch(() => {});
  };
  const machine = stack.use(
    createHost({
      name: "this machine",
      address: "127.0.0.1",
      prefix: [],
      env: { TIMEWAIT_LAB: id },
      beforeExec,
    }),
  );
  const hosts = Object.fromEntries(HOST_NAMES.map((name) => [name, machine])) as Record<
    HostName,
    typeof machine
  >;
  const owned = stack.move();
  return { kind: "host", ...hosts, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

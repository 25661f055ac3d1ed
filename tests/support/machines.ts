/** Machines for tests: network namespaces that are joined by a switch, each reached by a prefix. */

import { findCommand } from "../../tools/lab/find_command.ts";
import { runCommand, startProcess } from "../../tools/lab/process.ts";
import SETUP from "./machines.sh" with { type: "text" };

/** One machine. */
export interface TestMachine {
  /** What puts a command there. */
  readonly prefix: string;
  /** By which the others reach it. */
  readonly address: string;
  /** The file of its network namespace. */
  readonly network: string;
  /** Runs a program there, by a way that is not the bench's own, and returns what it prints. */
  run(...argv: string[]): Promise<string>;
  /** The argv that starts a program there. */
  argv(...argv: string[]): string[];
}

/** All machines. They go when this is disposed. */
export interface TestMachines<Name extends string> extends AsyncDisposable {
  /** Each by its name. */
  readonly of: Readonly<Record<Name, TestMachine>>;
}

/** Starts machines of these names. */
export async function startMachines<Name extends string>(...names: Name[]): Promise<TestMachines<Name>> {
  const ready = Promise.withResolvers<string>();
  const holder = await startProcess([], {
    name: "the machines",
    argv: [
      findCommand("unshare"),
      "--user",
      "--map-root-user",
      "--net",
      "--mount",
      "sh",
      "-c",
      SETUP,
      "machines",
      ...names,
    ],
    onStdout: ready.resolve,
  });
  holder.exited.then(({ stderr }) => ready.reject(new Error(stderr.join("; "))));
  const pid = await ready.promise;
  const machines = names.map((name, i): [Name, TestMachine] => {
    const network = `/proc/${pid}/root/run/netns/${name}`;
    const words = [
      findCommand("nsenter"),
      ...["-t", pid, "-U", "--preserve-credentials", `--net=${network}`],
    ];
    return [name, {
      prefix: words.join(" "),
      address: `198.18.1.${i + 1}`,
      network,
      argv: (...argv) => [...words, ...argv],
      run: (...argv) => runCommand([...words, ...argv]),
    }];
  });
  return {
    of: Object.fromEntries(machines) as Record<Name, TestMachine>,
    async [Symbol.asyncDispose]() {
      await holder.closeInput();
      await holder.stop();
    },
  };
}

/** Sockets in a state towards a port, counted in the machine's own table. */
export async function countSockets(machine: TestMachine, state: string, remotePort: number): Promise<number> {
  const hex = remotePort.toString(16).toUpperCase().padStart(4, "0");
  const table = await machine.run("cat", "/proc/net/tcp");
  return table.match(new RegExp(`^ *\\d+: \\S+ [0-9A-F]{8}:${hex} ${state} `, "gm"))?.length ?? 0;
}

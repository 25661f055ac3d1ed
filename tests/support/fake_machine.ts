/**
 * A machine that tests may harm: it has its own network, its own sysctls and its own /var/lib, and its user
 * is root. The real machine is not touched, and no root is needed.
 */

import { createHost, type Host } from "../../tools/lab/host.ts";
import { findCommand } from "../../tools/lab/find_command.ts";
import { type RunningProcess, startProcess } from "../../tools/lab/process.ts";
import { ROOT } from "./root.ts";

const DENO = [Deno.execPath(), "run", "--no-prompt", "--cached-only", "--config", `${ROOT}deno.json`];
const BENCH_PERMISSIONS = ["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

export interface FakeMachine extends AsyncDisposable {
  readonly host: Host;
  /** Starts the bench on it. */
  startBench(...args: string[]): Promise<Started>;
  /** Starts the bench on it in a terminal, which closes with the process that this returns. */
  startInTerminal(...args: string[]): Promise<Started>;
  /** Runs the bench on it to its end. */
  bench(...args: string[]): Promise<Ended>;
  /** Runs a tool, or a script of the tests, on it to its end. */
  script(path: string, ...args: string[]): Promise<Ended>;
  startScript(path: string, ...args: string[]): Promise<Started>;
  /** Runs a task of deno.json on it to its end. */
  task(name: string, ...args: string[]): Promise<Ended>;
  /** Runs a shell command on it. */
  sh(command: string): Promise<string>;
}

export interface Started extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function startFakeMachine(): Promise<FakeMachine> {
  await using stack = new AsyncDisposableStack();
  const ready = Promise.withResolvers<void>();
  const holder = stack.use(
    await startProcess([], {
      name: "the fake machine",
      argv: ["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c"].concat(
        "mount -t tmpfs fake /var/lib && PATH=$PATH:/sbin:/usr/sbin ip link set lo up && echo ready && exec cat",
      ),
      onStdout: () => ready.resolve(),
    }),
  );
  holder.exited.then(({ stderr }) => ready.reject(new Error(stderr.join("\n"))));
  await ready.promise;
  const prefix = [
    findCommand("nsenter"),
    "-t",
    String(holder.pid),
    "-U",
    "--preserve-credentials",
    "-m",
    "-n",
    "--",
  ];
  const host = stack.use(createHost({ name: "the fake machine", address: "127.0.0.1", prefix }));
  const start = async (argv: readonly string[]): Promise<Started> => {
    const stdout: string[] = [];
    const stderr: string[] = [];
    const process = await host.start({
      name: argv.join(" "),
      argv,
      env: { NO_COLOR: "1" },
      onStdout: (line) => stdout.push(line),
      onStderr: (line) => stderr.push(line),
    });
    return { process, stdout, stderr, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
  };
  const toItsEnd = async (argv: readonly string[]): Promise<Ended> => {
    await using started = await start(argv);
    await started.process.closeInput();
    const { code } = await started.process.exited;
    return { code, stdout: started.stdout.join("\n"), stderr: started.stderr.join("\n") };
  };
  const script = (path: string, args: string[]) => [...DENO, ...BENCH_PERMISSIONS, `${ROOT}${path}`, ...args];
  const owned = stack.move();
  return {
    host,
    startBench: (...args) => start(script("tools/bench.ts", args)),
    startInTerminal: (...args) =>
      start([
        "script",
        "-qec",
        script("tools/bench.ts", args).map((word) => `'${word}'`).join(" "),
        "/dev/null",
      ]),
    bench: (...args) => toItsEnd(script("tools/bench.ts", args)),
    script: (path, ...args) => toItsEnd(script(path, args)),
    startScript: (path, ...args) => start(script(path, args)),
    task: (name, ...args) =>
      toItsEnd([Deno.execPath(), "task", "--config", `${ROOT}deno.json`, name, ...args]),
    sh: async (command) => (await toItsEnd(["sh", "-c", command])).stdout,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

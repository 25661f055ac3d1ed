/**
 * A host is where a command runs: a command prefix, an address, a way to read its /proc, and a `$`. A network
 * namespace and the machine itself differ in the prefix and in nothing else. What is on another machine is in
 * remote/remote_host.ts.
 *
 * @module
 */

import { createDollar, type Dollar } from "./host_dollar.ts";
import { type ProcessOptions, type RunningProcess, startProcess } from "./process.ts";
import { type ProcReader, startProcReader } from "./proc_reader.ts";
import READ_PROC from "./read_proc.sh" with { type: "text" };

/**
 * Where a command runs. Disposing it ends its reader of /proc, which starts again when it is needed;
 * everything else that was started on it ends with the lab.
 */
export interface Host extends AsyncDisposable {
  /** What messages call it. */
  readonly name: string;
  /** The IPv4 address by which the other hosts reach it. */
  readonly address: string;
  /** Environment variables of every process on it. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * dax's `$`, whose command lines run on this host. A whole line is run by one `bash` there, so pipes,
   * redirections and built-in commands are bash's; what is called on the result, and how values are put into
   * the line, is dax's. Functions of `$` that start no command, such as `$.path`, act on this machine.
   *
   * What dax cannot carry to another shell: `.registerCommand()`, `.exportEnv()`, and a stream after `>`, for
   * which `.stdout(stream)` does.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { localMachine } from "./host.ts";
   *
   * await using host = localMachine();
   * const words = ["a b", "c"];
   * assertEquals(await host.$`printf '%s\n' ${words} | sort -r`.lines(), ["c", "a b"]);
   * ```
   */
  readonly $: Dollar;
  /** Starts a command on it. */
  start(options: ProcessOptions): Promise<RunningProcess>;
  /** Starts a script of `bash` on it: the script's text, and its arguments `$1`, `$2` and so on. */
  startScript(script: string, args: readonly string[], options: ScriptOptions): Promise<RunningProcess>;
  /**
   * Reads files of /proc as they are on this host, in one go. Costs about 0.2 ms of CPU for the counters of
   * TCP. Process ids in it are those outside of any lab.
   *
   * @param paths may hold the patterns of a shell; the texts of all files that match come joined.
   * @returns the text of each, or `undefined` where nothing is there or may be read.
   * @throws {Error} when the process that reads them has ended, or does not answer in time.
   */
  readProc(...paths: string[]): Promise<(string | undefined)[]>;
}

/** A host on this machine: a network namespace, or the machine itself. */
export interface LocalHost extends Host {
  /** What puts a command on it, such as `nsenter` with its arguments; empty for the machine itself. */
  readonly prefix: readonly string[];
  /** The directory of this host's /proc/net, as every process on the machine can read it. */
  procNet(): Promise<string>;
}

/** {@linkcode ProcessOptions} of a script. */
export type ScriptOptions = Omit<ProcessOptions, "argv">;

/** How a host is made. */
export interface HostOptions extends Pick<LocalHost, "name" | "address" | "prefix"> {
  /** Environment variables of every process there. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called for each process before it becomes the program asked for. */
  readonly beforeExec?: (process: RunningProcess) => Promise<void>;
  /** Called with the process group of each command line of `$`, and a promise of the line's end. */
  readonly onGroup?: (processGroup: number, ended: Promise<unknown>) => void;
}

/** Makes a host, which must have its address already. Nothing is started until it is used. */
export function createHost(options: HostOptions): LocalHost {
  const { name, address, prefix, env = {}, beforeExec, onGroup } = options;
  const start = (process: ProcessOptions) =>
    startProcess(prefix, { ...process, env: { ...env, ...process.env } }, beforeExec);
  const startScript: Host["startScript"] = (script, args, options) =>
    start({ ...options, argv: scriptArgv(script, args, options) });
  let reader: Promise<ProcReader> | undefined;
  const startedReader = () =>
    reader ??= startProcReader((onStdout) =>
      startScript(READ_PROC, [], { name: "the reader of /proc", onStdout })
    );
  return {
    name,
    address,
    prefix,
    env,
    $: createDollar({ name, prefix, env, onGroup }),
    start,
    startScript,
    async readProc(...paths) {
      return await (await startedReader()).read(paths);
    },
    async procNet() {
      return `/proc/${(await startedReader()).process.pid}/net`;
    },
    async [Symbol.asyncDispose]() {
      const started = await reader?.catch(() => undefined);
      reader = undefined;
      await started?.process.stop();
    },
  };
}

/** The argv of a script of `bash`. The script's name for its own messages is that of the process. */
export function scriptArgv(
  script: string,
  args: readonly string[],
  { name }: { readonly name: string },
): string[] {
  return ["bash", "-c", script, name, ...args];
}

/** The machine itself, on its own loopback address. */
export function localMachine(): LocalHost {
  return createHost({ name: "this machine", address: "127.0.0.1", prefix: [] });
}

/**
 * A host is where a command runs: a command prefix, an address, and a way to read its /proc. A network namespace
 * and the machine itself differ in the prefix and in nothing else.
 *
 * @module
 */

import { type ProcessOptions, type RunningProcess, startProcess } from "./process.ts";

/** Where a command runs. Disposing it ends its reader of /proc; what was started on it ends with the lab. */
export interface Host extends AsyncDisposable {
  /** What to call it in messages. */
  readonly name: string;
  /** The IPv4 address by which the other hosts reach it. */
  readonly address: string;
  /** Starts a command on this host. */
  start(options: ProcessOptions): Promise<RunningProcess>;
  /**
   * Reads files of /proc as they are on this host, in one go. Costs about 0.2 ms of CPU for the counters of TCP.
   * Process ids in it are those outside of any lab.
   *
   * @param paths may hold the patterns of a shell; the texts of all files that match come joined.
   * @returns the text of each, or `undefined` where nothing is there or may be read.
   */
  readProc(...paths: string[]): Promise<(string | undefined)[]>;
  /** The directory of this host's /proc/net, as every process on the machine can read it. */
  procNet(): Promise<string>;
}

/** How a host is made. */
export interface HostOptions {
  /** What messages call the host. */
  readonly name: string;
  /** The IPv4 address by which the other hosts reach it; the host must have it already. */
  readonly address: string;
  /** What puts a command there, such as `nsenter` with its arguments. Empty for the machine itself. */
  readonly prefix: readonly string[];
  /** Environment variables of every process there. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called for each process before it becomes the program asked for. */
  readonly beforeExec?: (process: RunningProcess) => Promise<void>;
}

/** Makes a host. Nothing is started until it is used. */
export function createHost(options: HostOptions): Host {
  const { name, address, prefix, env, beforeExec } = options;
  const start = (process: ProcessOptions) =>
    startProcess(prefix, { ...process, env: { ...env, ...process.env } }, beforeExec);
  let reader: Promise<ProcReader> | undefined;
  const startedReader = () => reader ??= startProcReader(start);
  return {
    name,
    address,
    start,
    async readProc(...paths) {
      return await (await startedReader()).read(paths);
    },
    async procNet() {
      return `/proc/${(await startedReader()).process.pid}/net`;
    },
    async [Symbol.asyncDispose]() {
      const started = await reader?.catch(() => undefined);
      await started?.process.stop();
    },
  };
}

/** The machine itself, on its own loopback address. */
export function localMachine(): Host {
  return createHost({ name: "this machine", address: "127.0.0.1", prefix: [] });
}

interface ProcReader {
  readonly process: RunningProcess;
  read(paths: readonly string[]): Promise<(string | undefined)[]>;
}

const READ_PROC = new URL("./read_proc.sh", import.meta.url);

/** Starts the process that reads /proc on a host, one request after the other in the order they come. */
async function startProcReader(start: Host["start"]): Promise<ProcReader> {
  const waiting: {
    left: number;
    texts: (string | undefined)[];
    resolve: (texts: (string | undefined)[]) => void;
  }[] = [];
  let lines: string[] = [];
  const onStdout = (line: string) => {
    if (line[0] !== "\x04") return void lines.push(line);
    const request = waiting[0]!;
    request.texts.push(line === "\x04+" ? lines.join("\n") : undefined);
    lines = [];
    if (--request.left > 0) return;
    waiting.shift();
    request.resolve(request.texts);
  };
  const script = await Deno.readTextFile(READ_PROC);
  const process = await start({ name: "the reader of /proc", argv: ["bash", "-c", script], onStdout });
  const ended = process.exited.then(() => {
    throw new Error("the reader of /proc has ended");
  });
  ended.catch(() => {});
  return {
    process,
    async read(paths) {
      const { promise, resolve } = Promise.withResolvers<(string | undefined)[]>();
      waiting.push({ left: paths.length, texts: [], resolve });
      await process.writeLine(paths.join(" "));
      return await Promise.race([promise, ended]);
    },
  };
}

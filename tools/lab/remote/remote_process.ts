/**
 * A process on a remote host. It ends with the lease of its host, and how it ended is what the far end says.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { UnavailableError } from "../../errors.ts";
import { lastWords } from "../prefix_shell.ts";
import {
  controlProcess,
  type ExitStatus,
  keepLine,
  type ProcessOptions,
  QUIET_DENO,
  readLines,
  type RunningProcess,
  UNWANTED_ENV,
} from "../process.ts";
import {
  becomeLine,
  type Client,
  environmentLines,
  type Framed,
  readFramed,
  type RemoteInput,
  startClient,
} from "./channel.ts";
import FAR_PROCESS from "./far_process.sh" with { type: "text" };
import type { Lease } from "./lease.ts";

/** What starts a process. */
export interface RemoteCommand {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Variables to add, or with `undefined` to take away. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory it runs in. Default: where the prefix leads. */
  readonly folder?: string;
}

/** A process there, and its streams as they are. */
export interface RemoteStreams {
  /** Its id there. */
  readonly pid: number;
  /** The id of its process group there. */
  readonly processGroup: number;
  /** Its standard input. */
  readonly stdin: RemoteInput;
  /**
   * What it writes to standard output. Both have to be read for the process to go on, and to be seen to end.
   */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** What it writes to standard error. */
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Its exit code, 128 + the signal's number where one has ended it; why it is not known where it is not. */
  readonly ended: Promise<number | Error>;
  /** Sends a signal to a process, or with a negative id to a process group. */
  send(target: number, signal: Deno.Signal): void;
}

/** Longest time that a process there may take to begin, in milliseconds: its client has to connect. */
const BEGIN_LIMIT_MS = 30_000;

/** Longest wait for what is left of standard error once standard output has ended, in milliseconds. */
const STDERR_WAIT_MS = 1_000;

/**
 * Time in which the last line may still be read after the client has ended, in milliseconds. Then the process
 * there is killed: it has ended anyway, or nobody will hear of it any more.
 */
const UNREAD_MS = 1_000;

/** Longest wait for the end of a process there that has been killed, in milliseconds. */
const KILL_WAIT_MS = 5_000;

/**
 * Starts a process on the host of a lease.
 *
 * @throws {UnavailableError} where the client ends, or does nothing, before the process has begun.
 */
export async function startStreams(
  lease: Lease,
  { argv, env, folder = "" }: RemoteCommand,
): Promise<RemoteStreams> {
  const lost = lease.reason();
  if (lost !== undefined) throw lost;
  const { prefix, token, far } = lease;
  const program = environmentLines({ ...UNWANTED_ENV, ...QUIET_DENO, ...env, TIMEWAIT_FAR: token }) +
    becomeLine(FAR_PROCESS, [token, far.leaseHolders, folder, ...argv]);
  const client = startClient(prefix, program);
  const [stdout, stderr] = await begin(client, lease);
  const [pid, processGroup, launcher, session] = stdout.begun.split(" ");
  const group = Number(processGroup);
  lease.note(`+ ${group}`);
  const send = (target: number, signal: Deno.Signal) => {
    const name = signal.slice("SIG".length);
    // Without a session of its own it shares its group with the shell that has to say how it ended.
    const isShared = target < 0 && session === "none";
    lease.note(isShared ? `members ${name} ${-target} ${launcher}` : `kill ${name} ${target}`);
  };
  const killAll = () => {
    send(-group, "SIGKILL");
    lease.note(`kill KILL ${launcher}`);
  };
  const ended = (async () => {
    // A client that is killed may leave the process there, with both streams open.
    const left = client.exited.then(() => setTimeout(killAll, UNREAD_MS));
    const code = await Promise.race([stdout.ended, lease.over.then(() => undefined)]);
    if (code !== undefined) {
      await deadline(stderr.ended, STDERR_WAIT_MS).catch(() => {});
      lease.note(`- ${group}`);
    } else killAll();
    await client.end();
    clearTimeout(await left);
    if (code !== undefined) return Number(code);
    return lease.reason() ?? new UnavailableError(`${client.what} ended ahead of the last line from there`);
  })();
  return {
    pid: Number(pid),
    processGroup: group,
    stdin: client.stdin,
    stdout: stdout.bytes,
    stderr: stderr.bytes,
    ended,
    send,
  };
}

/** Waits until both streams have begun. */
async function begin(client: Client, { token, over, reason }: Lease): Promise<[Framed, Framed]> {
  const streams = [client.stdout, client.stderr].map((stream) => readFramed(stream, token));
  const all = Promise.allSettled(streams);
  const lost = over.then((why) => Promise.reject(why));
  try {
    return await deadline(Promise.race([Promise.all(streams), lost]), BEGIN_LIMIT_MS) as [Framed, Framed];
  } catch (error) {
    await client.end();
    if (error === reason()) throw error;
    const problem = (error as Error).name === "TimeoutError"
      ? `says nothing for ${BEGIN_LIMIT_MS / 1000} s`
      : "has ended before it began";
    const words = (await all).flatMap((one) =>
      one.status === "rejected" ? [(one.reason as Error).message] : []
    );
    throw new UnavailableError(`${client.what}: ${problem}${lastWords(words.join("\n"))}`);
  }
}

/** Starts a process whose output is taken line by line. */
export async function startRemoteProcess(lease: Lease, options: ProcessOptions): Promise<RunningProcess> {
  const started = await startStreams(lease, { argv: options.argv, env: options.env ?? {} });
  const stderr: string[] = [];
  const read = [
    readLines(started.stdout, (line) => options.onStdout?.(line), options.longestLine),
    readLines(started.stderr, (line) => {
      options.onStderr?.(line);
      keepLine(stderr, line);
    }),
  ];
  const exited = (async (): Promise<ExitStatus> => {
    const ended = await started.ended;
    await deadline(Promise.allSettled(read), STDERR_WAIT_MS).catch(() => {});
    if (typeof ended === "number") return { code: ended, stderr };
    keepLine(stderr, `error: ${ended.message}`);
    return { code: 1, stderr };
  })();
  return controlProcess(options, { ...started, exited, killWaitMs: KILL_WAIT_MS });
}

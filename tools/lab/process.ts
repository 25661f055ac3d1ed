/**
 * Child processes: found, started, listened to, and always ended.
 *
 * @module
 */

import { stripAnsiCode } from "@std/fmt/colors";
import { CommandBuilder } from "@david/dax";
import { deadline } from "@std/async/deadline";
import { findCommand } from "./find_command.ts";

/** How a child is started. */
export interface ProcessOptions {
  /** What to call it in messages: `backend`, `gateway`, `wrk`. */
  readonly name: string;
  /** The program and its arguments; nothing in it is read by a shell. */
  readonly argv: readonly string[];
  /** Environment variables to add, or with `undefined` to take away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Whether a stop sends SIGTERM to every process of its group: for a shell that is to end with what it has
   * started.
   */
  readonly stopsGroup?: boolean;
  /** Called with each line of standard output, of which it gets the first `longestLine` characters. */
  readonly onStdout?: (line: string) => void;
  /**
   * Called with each line of standard error, of which it gets the first {@linkcode LONGEST_LINE} characters.
   */
  readonly onStderr?: (line: string) => void;
  /** Characters that are kept of a line of standard output. Default {@linkcode LONGEST_LINE}. */
  readonly longestLine?: number;
}

/** Characters that are kept of a line, because a child may print for ever without a line end. */
export const LONGEST_LINE = 16 * 1024;

/** How a child ended. */
export interface ExitStatus {
  /** The exit code; 128 + the signal's number where a signal ended it. */
  readonly code: number;
  /** The last lines that it wrote to standard error, at most 20. */
  readonly stderr: readonly string[];
}

/** A running child. Disposing it stops it, with {@linkcode STOP_GRACE_MS} between SIGTERM and SIGKILL. */
export interface RunningProcess extends AsyncDisposable {
  /** What messages call it, as given in {@linkcode ProcessOptions}. */
  readonly name: string;
  /** Its process id, as seen from outside of any lab. */
  readonly pid: number;
  /**
   * The id of its process group, which holds every process it has started, unless one has left on purpose.
   */
  readonly processGroup: number;
  /**
   * Resolves when it has ended and its output has been read; never rejects. A process that it has left in the
   * background may hold the output open: that is waited for {@linkcode OUTPUT_WAIT_MS} and no longer.
   */
  readonly exited: Promise<ExitStatus>;
  /** Writes a line to its standard input. */
  writeLine(line: string): Promise<void>;
  /** Sends a signal to it, and to none that it has started. One that has ended is no error. */
  signal(name: Deno.Signal): void;
  /** Closes its standard input. */
  closeInput(): Promise<void>;
  /**
   * Sends SIGTERM, waits at most `graceMs`, then sends SIGKILL to its whole group. Returns when it has ended.
   */
  stop(graceMs?: number): Promise<ExitStatus>;
}

/** Lines of a child's standard error that are kept for the message that says why it failed. */
const STDERR_LINES_KEPT = 20;

/** Time a child has to end between SIGTERM and SIGKILL, in milliseconds. */
export const STOP_GRACE_MS = 2_000;

/**
 * Longest wait for the rest of what a child has written, once the child has ended, in milliseconds. What it
 * has left in the background holds its output open for as long as that lives; it ends with its lab.
 */
const OUTPUT_WAIT_MS = 500;

/** Longest wait for a killed child, in milliseconds. Its output may be held open as well. */
const KILL_WAIT_MS = 500;

/** Longest wait until a child has said who it is, in milliseconds. On an idle machine it takes a few. */
const ANNOUNCE_LIMIT_MS = 30_000;

/**
 * Variables that would lead a measured party astray: HTTP clients read those of proxies, and Deno reads the
 * rest.
 */
export const UNWANTED_ENV: Readonly<Record<string, undefined>> = Object.fromEntries(
  ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()])
    .concat("DENO_V8_FLAGS")
    .map((name) => [name, undefined]),
);

/** Keeps every Deno among the children from asking the network whether there is a newer one. */
export const QUIET_DENO = { DENO_NO_UPDATE_CHECK: "1" };

/**
 * The child first prints its own process id and group, which its parent cannot see through `nsenter`'s fork.
 * It reads them in the /proc outside of the lab, so they are the ids that the bench needs. Then it waits for
 * a line before it becomes the program, so no program runs that the bench has not noted; when the bench has
 * died, the pipe closes instead. The soft limit of open files is raised to the hard one, because wrk and
 * others do not raise it. The working directory is set to the bench's again, because `nsenter` leaves it.
 */
const ANNOUNCE = `
read -r pid _ _ _ group _ </proc/self/stat
echo "$pid $group"
read -r _ || exit 125
ulimit -n "$(ulimit -Hn)"
cd "$1" 2>/dev/null
shift
exec "$@"`;

/**
 * dax reports exit code 0 for a child that a signal has ended, unless dax itself sent the signal. A shell
 * around the child exits with 128 + the signal's number instead; the shell's own message about the signal is
 * dropped.
 *
 * The shell also finds the home directory where HOME is not set. Deno keeps its cache there, and inside a lab
 * it could not find the directory by its user, who is root there.
 *
 * And it says when the kernel has killed the child for want of memory. The counter is that of the control
 * group (cgroup-v2.rst, cgroup-v1/memory.rst in the kernel's documentation), or that of the machine where no
 * group has one.
 *
 * Last it says, behind `mark`, the exit code: dax tells it only when nobody holds the output open any more.
 */
export function keepExitCode(mark: string): string[] {
  return ["/bin/sh", "-c", KEEP_EXIT_CODE, mark];
}

const KEEP_EXIT_CODE = `
[ -n "\${HOME-}" ] || export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
exec 3>&2 2>/dev/null
counters=/proc/vmstat
while IFS=: read -r _ kind group; do
  case $kind in
    memory) file=/sys/fs/cgroup/memory$group/memory.oom_control ;;
    "") file=/sys/fs/cgroup$group/memory.events ;;
    *) continue ;;
  esac
  [ -r "$file" ] && counters=$file && break
done </proc/self/cgroup
oom_kills() { kills=0; while read -r word count; do [ "$word" = oom_kill ] && kills=$count; done <"$counters"; }
oom_kills
before=$kills
(exec "$@" 2>&3 3>&-)
code=$?
[ $code = 137 ] && oom_kills && [ "$kills" -gt "$before" ] &&
  echo "out of memory: the kernel has killed a process for want of it meanwhile" >&3
echo "$0$code" >&3
exit $code`;

/**
 * Starts a child in a session of its own, so that the terminal's Ctrl-C reaches the bench only.
 *
 * @param prefix what puts the child where it belongs, such as `nsenter` and its arguments; empty for here.
 * @param beforeExec is called when the child exists and has not yet become the program.
 * @throws {CommandNotFoundError} where the program is not on PATH.
 * @throws {Error} when the child ended before it became the program.
 */
export async function startProcess(
  prefix: readonly string[],
  options: ProcessOptions,
  beforeExec: (process: RunningProcess) => Promise<void> = () => Promise.resolve(),
): Promise<RunningProcess> {
  const mark = `ended ${crypto.randomUUID()} `;
  const argv = [
    findCommand("setsid"),
    ...keepExitCode(mark),
    ...prefix,
    "/bin/sh",
    "-c",
    ANNOUNCE,
    "sh",
    Deno.cwd(),
    findCommand(options.argv[0]!),
    ...options.argv.slice(1),
  ];
  const stdin = new TransformStream<Uint8Array, Uint8Array>();
  const writer = stdin.writable.getWriter();
  const child = new CommandBuilder()
    .command(argv)
    .env({ ...UNWANTED_ENV, ...QUIET_DENO, ...options.env })
    .stdin(stdin.readable)
    .stdout("piped")
    .stderr("piped")
    .noThrow()
    .spawn();

  const announced = Promise.withResolvers<string>();
  let first = true;
  const stdoutRead = readLines(child.stdout(), (line) => {
    if (!first) return options.onStdout?.(line);
    first = false;
    announced.resolve(line);
  }, options.longestLine);
  const stderr: string[] = [];
  const ended = Promise.withResolvers<number>();
  const stderrRead = readLines(child.stderr(), (text) => {
    // What the child wrote last may have no line end.
    const [line, code] = text.split(mark) as [string, string?];
    if (code !== undefined) ended.resolve(Number(code));
    if (code !== undefined && line === "") return;
    options.onStderr?.(line);
    keepLine(stderr, line);
  });
  const closed = (async () => {
    const code = await child.then((result) => result.code, (error) => noteFailure(stderr, error));
    for (const read of [stdoutRead, stderrRead]) await read.catch((error) => noteFailure(stderr, error));
    return code;
  })();
  const exited = (async () => {
    const left = ended.promise.then((code) => deadline(closed, OUTPUT_WAIT_MS).catch(() => code));
    const code = await Promise.race([closed, left]);
    await writer.abort(new Error(`${options.name} has ended`)).catch(() => {});
    announced.resolve("");
    return { code, stderr };
  })();

  // A child that is stopped before it has said who it is can only be killed.
  const killTimer = setTimeout(() => child.kill("SIGKILL"), ANNOUNCE_LIMIT_MS);
  const ids = /^(\d+) (\d+)$/.exec(await announced.promise);
  clearTimeout(killTimer);
  if (ids === null) {
    const status = await exited;
    throw new Error(`could not start ${options.name}: ${reasonOfExit(status)}`);
  }
  const process = controlProcess(options, {
    pid: Number(ids[1]),
    processGroup: Number(ids[2]),
    exited,
    stdin: writer,
    send: sendSignal,
    killWaitMs: KILL_WAIT_MS,
  });
  await beforeExec(process);
  await process.writeLine("go");
  return process;
}

/**
 * Goes to the directory that was asked for, raises the limit of open files as far as it goes, and becomes the
 * program.
 */
const ENTER = 'cd "$1" || exit; shift; ulimit -n "$(ulimit -Hn)"; exec "$@"';

/**
 * The argv that runs a command where a prefix leads, in the terminal and the process group of whoever spawns
 * it.
 */
export function enterArgv(prefix: readonly string[], argv: readonly string[], cwd = Deno.cwd()): string[] {
  return [...prefix, "/bin/sh", "-c", ENTER, "sh", cwd, ...argv];
}

/**
 * Keeps a line of standard error, of which the last few are kept. A stack trace can be longer than that, and
 * must not push out the error that it belongs to.
 */
export function keepLine(stderr: string[], line: string): void {
  stderr.push(line);
  if (stderr.length <= STDERR_LINES_KEPT) return;
  const spare = stderr.findIndex((kept) => !IS_REASON.test(kept));
  stderr.splice(Math.max(0, spare), 1);
}

/** Adds our own failure to the child's stderr lines. Returns the exit code that stands for it. */
function noteFailure(stderr: string[], error: unknown): number {
  stderr.push(error instanceof Error ? error.message : String(error));
  return 1;
}

/** A process that has been started, wherever it is. */
export interface StartedProcess extends Pick<RunningProcess, "pid" | "processGroup" | "exited"> {
  /** Its standard input. */
  readonly stdin: Pick<WritableStreamDefaultWriter<Uint8Array>, "write" | "close">;
  /** Sends a signal to a process, or with a negative id to a process group. */
  readonly send: (target: number, signal: Deno.Signal) => void;
  /** Longest wait for its end when it has been killed, in milliseconds. */
  readonly killWaitMs: number;
}

/** What can be done with a process once it has been started. */
export function controlProcess(
  { name, stopsGroup }: Pick<ProcessOptions, "name" | "stopsGroup">,
  { pid, processGroup, exited, stdin, send, killWaitMs }: StartedProcess,
): RunningProcess {
  const stop = async (graceMs = STOP_GRACE_MS) => {
    const late = () => undefined;
    send(stopsGroup ? -processGroup : pid, "SIGTERM");
    const ended = await deadline(exited, graceMs).catch(late);
    send(-processGroup, "SIGKILL");
    return ended ?? await deadline(exited, killWaitMs).catch(late) ?? { code: 137, stderr: [] };
  };
  return {
    name,
    pid,
    processGroup,
    exited,
    stop,
    signal: (name) => send(pid, name),
    writeLine: (line) => stdin.write(new TextEncoder().encode(`${line}\n`)),
    closeInput: () => stdin.close().catch(() => {}),
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** A line by which a program says why it ends. Lines of a stack trace may follow it. */
const IS_REASON = /^(error|out of memory): /;

/** Characters of a child's last words that a message repeats. */
const REASON_LENGTH = 500;

/**
 * Why a child ended, for the end of a sentence: the last line of its standard error that begins with
 * `error:`, in whatever colour, else the last line, and its exit code.
 */
export function reasonOfExit(status: ExitStatus): string {
  const lines = status.stderr.map((line) => stripAnsiCode(line).trim()).filter((line) => line !== "");
  const words = lines.findLast((line) => IS_REASON.test(line)) ?? lines.at(-1);
  const how = status.code > 128 ? `ended by signal ${status.code - 128}` : `exit code ${status.code}`;
  return words === undefined ? how : `${shortened(words, REASON_LENGTH)} (${how})`;
}

/**
 * As {@linkcode reasonOfExit}, for a party that was not to end: one that has gone into the background has
 * ended well.
 */
export function reasonOfEnd(status: ExitStatus): string {
  return `${reasonOfExit(status)}${status.code === 0 ? ": it must stay in the foreground" : ""}`;
}

function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/**
 * Runs a command to its end and returns what it wrote to standard output.
 *
 * @throws {CommandNotFoundError} where it is not on PATH.
 * @throws {Error} where its exit code is not 0.
 */
export async function runCommand(argv: readonly string[], signal?: AbortSignal): Promise<string> {
  let command = new CommandBuilder()
    .command([findCommand(argv[0]!), ...argv.slice(1)])
    .stdin("null").stdout("piped").stderr("piped").noThrow();
  if (signal !== undefined) command = command.signal(signal);
  const result = await command;
  if (result.code !== 0) {
    throw new Error(
      `${argv[0]} failed: ${reasonOfExit({ code: result.code, stderr: result.stderr.split("\n") })}`,
    );
  }
  return result.stdout;
}

/**
 * Sends a signal to a process, or with a negative id to a process group. A process that has ended is no
 * error.
 *
 * @returns whether the signal was sent.
 */
function sendSignal(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    // It is gone, or has other rights than ours: nothing can be done about either.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/**
 * Sends a signal to a process group; to the process that is about to lead it, while the group does not exist
 * yet.
 */
export function signalGroup(processGroup: number, signal: Deno.Signal): void {
  if (!sendSignal(-processGroup, signal)) sendSignal(processGroup, signal);
}

/**
 * Calls back with each line of a stream. Splits each chunk in one go: a chain of transform streams would cost
 * the bench several times as much CPU while it samples.
 */
export async function readLines(
  stream: AsyncIterable<Uint8Array>,
  onLine: (line: string) => void,
  longest = LONGEST_LINE,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    // One more than is kept shows that there was more.
    if (rest.length > longest) rest = rest.slice(0, longest + 1);
    for (const line of lines) onLine(shortened(line, longest));
  }
  if (rest !== "") onLine(shortened(rest, longest));
}

/**
 * The `$` of a host: dax's own, whose command lines run on that host.
 *
 * dax would split a command line itself, open the files that it names and start its programs here. So the
 * whole line goes to one `bash` on the host instead: pipes, redirections, patterns and built-in commands are
 * bash's, and see the host's network, /proc and /run. What surrounds the line is dax's: how values are put
 * into it, and everything that is called on the result.
 *
 * @module
 */

import {
  build$,
  type CommandBuilder,
  type CommandContext,
  type ExecuteResult,
  type KillSignalListener,
  type Reader,
  type ShellOptionsState,
  type TemplateExpr,
} from "@david/dax";
import { findCommand } from "./find_command.ts";
import { enterArgv, QUIET_DENO, signalGroup, STOP_GRACE_MS, UNWANTED_ENV } from "./process.ts";

/**
 * dax's `$`: a template that runs a command line, and all that it has besides, such as `$.path`.
 *
 * @internal because dax documents it.
 */
export type Dollar = import("@david/dax").$Type;

/** What `$` has to know of a host on this machine. */
export interface DollarHost {
  /** What `.printCommand()` calls it. */
  readonly name: string;
  /** What puts a command there, such as `nsenter` with its arguments. */
  readonly prefix: readonly string[];
  /** Environment variables of every process there. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Called with the process group of a command line as soon as it exists, and a promise of its end. */
  readonly onGroup?: ((processGroup: number, ended: Promise<unknown>) => void) | undefined;
}

/** Makes the `$` of a host. Its command lines are ended with the lab, those in the background as well. */
export function createDollar(host: DollarHost): Dollar {
  return dollarOf({ name: host.name, spawn: (line) => Promise.resolve(spawnHere(host, line)) });
}

/** A command line as dax has made it ready. */
export interface DollarLine {
  /** The line. */
  readonly line: string;
  /** Options of the shell, by bash's names. */
  readonly options: readonly string[];
  /** The directory it is to run in. */
  readonly cwd: string;
  /** Variables as dax has them: all that this process has, and those of the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Where each of its streams comes from or goes to. */
  readonly stdin: "inherit" | "null" | "piped";
  /** As {@linkcode stdin}. */
  readonly stdout: "inherit" | "null" | "piped";
  /** As {@linkcode stdin}. */
  readonly stderr: "inherit" | "null" | "piped";
}

/** A command line that runs. Of its streams those are there that are to be piped. */
export interface SpawnedLine {
  /** Its standard input. */
  readonly stdin: WritableStream<Uint8Array> | undefined;
  /** What it writes to standard output. */
  readonly stdout: AsyncIterable<Uint8Array> | undefined;
  /** What it writes to standard error. */
  readonly stderr: AsyncIterable<Uint8Array> | undefined;
  /** Its exit code. */
  readonly code: Promise<number>;
  /** Sends a signal to all of it. */
  signal(name: Deno.Signal): void;
}

/** What runs the command lines of a `$`. */
export interface LineSpawner {
  /** What `.printCommand()` calls it. */
  readonly name: string;
  /** Starts a line. */
  spawn(line: DollarLine): Promise<SpawnedLine>;
}

/** Makes a `$` whose command lines a spawner runs. */
export function dollarOf(spawner: LineSpawner): Dollar {
  return onHost(build$(), spawner);
}

type Tag = (strings: TemplateStringsArray, ...values: TemplateExpr[]) => CommandBuilder;

/** A `$` that does all that `local` does, but for the command lines, which run on the host. */
function onHost(local: Dollar, host: LineSpawner): Dollar {
  const tagFrom = (parse: Tag): Tag => (strings, ...values) => {
    const { text, stdin } = toLine(parse(strings, ...values) as unknown as ParsedTemplate);
    const command = local`on ${host.name} ${text}`.registerCommand("on", (context) => run(host, context));
    return stdin === undefined ? command : command.stdin(stdin);
  };
  const tag = tagFrom(TEMPLATE);
  const raw = tagFrom(TEMPLATE.raw);
  return new Proxy(local, {
    apply: (_target, _this, [strings, ...values]) => tag(strings, ...values),
    get(target, property) {
      if (property === "raw") return raw;
      if (property === "build$") return (options: object) => onHost(target.build$(options), host);
      return Reflect.get(target, property);
    },
  });
}

/** What dax makes of a template: the command line, and streams for the redirections that have one. */
interface ParsedTemplate {
  readonly text: string;
  readonly fds?: { getReader(fd: number): Reader | undefined };
}

/**
 * dax's `$` with a builder that returns what it is given: the template, parsed. So the rules for values are
 * dax's own and not a copy of them.
 */
const TEMPLATE = build$({
  commandBuilder: () => new Proxy({}, { get: () => (parsed: unknown) => parsed }) as CommandBuilder,
});

/**
 * The command line for bash. dax numbers the streams after `<` and `>` from 3 on; one stream after `<` comes
 * through standard input and is moved there.
 *
 * @throws {TypeError} for a stream after `>`, and for a second stream.
 */
function toLine({ text, fds }: ParsedTemplate): { text: string; stdin?: ReadableStream<Uint8Array> } {
  if (fds === undefined) return { text };
  if (!text.includes("<&3") || /[<>]&4/.test(text)) {
    throw new TypeError(
      "$ of a host takes one value after <, and none after >: call .stdin(…) or .stdout(…) on the command instead",
    );
  }
  const buffer = new Uint8Array(64 * 1024);
  let reader: Reader | undefined;
  const stdin = new ReadableStream<Uint8Array>({
    async pull(controller) {
      reader ??= fds.getReader(3)!;
      const length = await reader.read(buffer);
      if (length === null) controller.close();
      else controller.enqueue(buffer.slice(0, length));
    },
  }, { highWaterMark: 0 });
  return { text: `exec 3<&0 </dev/null; ${text}`, stdin };
}

/** Runs the command line on the host. dax calls this as its command `on HOST LINE`. */
async function run(host: LineSpawner, context: CommandContext): Promise<ExecuteResult> {
  const { args: [, line], stdin, stdout, stderr, signal } = context;
  if (signal.aborted) return { code: signal.abortedExitCode! };
  const child = await host.spawn({
    line: line!,
    options: optionsOf(context.shellOptions, line!),
    cwd: context.cwd,
    env: context.env,
    stdin: typeof stdin === "string" ? stdin : "piped",
    stdout: kindOf(stdout),
    stderr: kindOf(stderr),
  });

  let killTimer: ReturnType<typeof setTimeout> | undefined;
  const onSignal: KillSignalListener = (name) => {
    child.signal(name as Deno.Signal);
    if (signal.aborted) killTimer ??= setTimeout(() => child.signal("SIGKILL"), STOP_GRACE_MS);
  };
  signal.addListener(onSignal);
  const ended = new AbortController();
  if (typeof stdin !== "string" && child.stdin !== undefined) feed(stdin, child.stdin, ended.signal);
  try {
    await Promise.all([
      child.stdout && drain(child.stdout, stdout),
      child.stderr && drain(child.stderr, stderr),
    ]);
    return { code: await child.code };
  } catch (error) {
    child.signal("SIGKILL");
    await child.code;
    throw error;
  } finally {
    ended.abort();
    clearTimeout(killTimer);
    signal.removeListener(onSignal);
  }
}

/** Starts a line in a session of its own. */
function spawnHere(
  host: DollarHost,
  { line, options, cwd, env, stdin, stdout, stderr }: DollarLine,
): SpawnedLine {
  const shell = [findCommand("bash"), ...options, "-c", line, "bash"];
  const child = new Deno.Command(findCommand("setsid"), {
    args: enterArgv(host.prefix, shell, cwd),
    env: environmentOf(host, env),
    clearEnv: true,
    stdin,
    stdout,
    stderr,
  }).spawn();
  host.onGroup?.(child.pid, child.status);
  return {
    stdin: stdin === "piped" ? child.stdin : undefined,
    stdout: stdout === "piped" ? child.stdout : undefined,
    stderr: stderr === "piped" ? child.stderr : undefined,
    code: child.status.then(({ code }) => code),
    signal: (name) => signalGroup(child.pid, name),
  };
}

/**
 * dax's options of the shell by bash's names. As in dax, the first command that fails ends a text of several
 * lines, and not a line of several commands.
 */
function optionsOf(
  { pipefail, nullglob, failglob, globstar, errexit }: ShellOptionsState,
  line: string,
): string[] {
  const set = { pipefail, errexit: errexit || line.trim().includes("\n") };
  const shopt = { nullglob, failglob, globstar };
  return [
    ...Object.entries(set).flatMap(([name, isOn]) => isOn ? ["-o", name] : []),
    ...Object.entries(shopt).flatMap(([name, isOn]) => isOn ? ["-O", name] : []),
  ];
}

/**
 * The environment that dax has made, without what would lead programs astray unless it was set on the command
 * itself.
 */
function environmentOf(host: DollarHost, env: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(env).filter(([name, value]) =>
    !Object.hasOwn(UNWANTED_ENV, name) || value !== Deno.env.get(name)
  );
  // `ip` and `sysctl` are where an ordinary user's PATH on Debian does not lead.
  const path = `${env.PATH ?? "/usr/local/bin:/usr/bin:/bin"}:/usr/sbin:/sbin`;
  return { ...QUIET_DENO, ...Object.fromEntries(own), ...host.env, PATH: path };
}

function kindOf({ kind }: CommandContext["stdout"]): "inherit" | "null" | "piped" {
  return kind === "inherit" || kind === "null" ? kind : "piped";
}

async function drain(from: AsyncIterable<Uint8Array>, to: CommandContext["stdout"]): Promise<void> {
  for await (const chunk of from) await to.writeAll(chunk);
}

/** Copies standard input until either side has ended. A command that does not read all of it is no error. */
async function feed(from: Reader, to: WritableStream<Uint8Array>, ended: AbortSignal): Promise<void> {
  const writer = to.getWriter();
  const giveUp = () => void writer.abort().catch(() => {});
  ended.addEventListener("abort", giveUp, { once: true });
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let length; (length = await from.read(buffer)) !== null && length > 0 && !ended.aborted;) {
      await writer.write(buffer.slice(0, length));
    }
    await writer.close();
  } catch {
    giveUp();
  }
}

/**
 * A shell in a lab, for experiments by hand: the backend and the gateway run, and the shell is on the
 * client's host.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import type { LocalHost } from "../lab/host.ts";
import { scriptArgv } from "../lab/host.ts";
import { ANSWER_LIMIT_MS, inTime } from "../lab/in_time.ts";
import type { LocalLabKind } from "../lab/lab.ts";
import { findCommand } from "../lab/find_command.ts";
import { enterArgv, QUIET_DENO, reasonOfExit, startProcess, UNWANTED_ENV } from "../lab/process.ts";
import { HOST_NAMES } from "../scenario/host_names.ts";
import type { Backend, Gateway } from "../scenario/scenario.ts";
import type { Sysctls } from "../scenario/sysctls.ts";
import BASHRC from "./lab_bashrc.sh" with { type: "text" };
import COMMANDS from "./lab_commands.sh" with { type: "text" };
import ON_HOST from "./on_host.sh" with { type: "text" };
import { type LabParty, type ScriptLab, startLab } from "./script_lab.ts";

/** What stands in the lab, and what runs in the foreground. */
export interface LabShellOptions {
  /** Default `auto`: a private lab where one can be had, else the machine's own loopback. */
  readonly kind?: LocalLabKind | "auto" | undefined;
  /** Sysctls of its hosts. */
  readonly sysctls?: Sysctls | undefined;
  /** The backend. */
  readonly backend?: Backend | undefined;
  /** The gateway; `null` for none. */
  readonly gateway: Gateway | null;
  /** A command to run in place of the shell, and its arguments. */
  readonly command?: readonly string[] | undefined;
  /** Receives the lines that tell the person what there is. */
  readonly tell: (line: string) => void;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/**
 * Opens the shell, or runs the command, and returns its exit code once it has ended. Everything in the lab
 * ends with it.
 *
 * @throws {TimewaitError} for an option that does not fit.
 */
export async function runLabShell(options: LabShellOptions): Promise<number> {
  const { kind, sysctls, command = [], signal, tell } = options;
  await using lab = await startLab({ kind, sysctls });
  await using backend = await lab.startBackend(options.backend);
  await using gateway = options.gateway === null
    ? undefined
    : await lab.startGateway({ ...options.gateway, upstream: backend });
  await using commands = await keepCommands();
  if (command.length === 0) describe(lab, backend, gateway).forEach(tell);
  else if (lab.reason !== undefined) tell(describeKind(lab));
  signal.throwIfAborted();
  const env = {
    BACKEND: backend.url,
    ...(gateway === undefined ? {} : { GATEWAY: gateway.url }),
    TIMEWAIT_BIN: commands.folder,
    TIMEWAIT_LAB_KIND: lab.kind,
  };
  return await runInForeground(lab.client, [`${commands.folder}/on`, "client", ...command], env, signal);
}

/**
 * Runs a command on a host in the foreground of the terminal. A shell with job control stands between: it
 * makes the command a process group of its own and gives it the terminal, so that Ctrl-C and Ctrl-Z reach the
 * command and not this process, and takes the terminal back in the end.
 */
async function runInForeground(
  host: LocalHost,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !Object.hasOwn(UNWANTED_ENV, name)
  );
  const path = `${env.TIMEWAIT_BIN}:${
    Deno.env.get("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
  }:/usr/sbin:/sbin`;
  const child = new Deno.Command(findCommand("bash"), {
    args: [
      Deno.stdin.isTerminal() ? "-mc" : "-c",
      '"$@"; exit "$?"',
      "bash",
      ...enterArgv(host.prefix, argv),
    ],
    env: { ...Object.fromEntries(inherited), ...QUIET_DENO, ...host.env, ...env, PATH: path },
    clearEnv: true,
  }).spawn();
  // What the command has started ends with the lab, which is about to be disposed.
  const stop = () => child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  const { code } = await child.status;
  signal.removeEventListener("abort", stop);
  return signal.aborted ? 130 : code;
}

/**
 * A folder for PATH that holds the command `on`. It goes when this is disposed, and when this process is
 * killed.
 */
async function keepCommands(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = Promise.withResolvers<string>();
  const keeper = await startProcess([], {
    name: "the folder of commands",
    argv: scriptArgv(COMMANDS, [ON_HOST, BASHRC], { name: "lab_commands" }),
    onStdout: folder.resolve,
  });
  keeper.exited.then((status) => {
    folder.reject(new Error(`no folder for commands could be made: ${reasonOfExit(status)}`));
  });
  return {
    folder: await inTime(folder.promise, "the folder of commands was not there"),
    async [Symbol.asyncDispose]() {
      await keeper.closeInput();
      await deadline(keeper.exited, ANSWER_LIMIT_MS).catch(() => keeper.stop());
    },
  };
}

/** What a person finds in the lab, in a few lines. */
function describe(lab: ScriptLab, backend: LabParty, gateway: LabParty | undefined): string[] {
  return [
    describeKind(lab),
    `$BACKEND is ${backend.url}; ${
      gateway === undefined ? "there is no gateway" : `$GATEWAY is ${gateway.url}`
    }.`,
    "You are on the client. on gateway ss -s runs a command on another host, on gateway opens a shell there.",
    "exit ends everything.",
  ];
}

function describeKind(lab: ScriptLab): string {
  if (lab.kind === "private") {
    const hosts = HOST_NAMES.map((name) => `${name} ${lab[name].address}`).join(", ");
    return `A private lab: ${hosts}. Each host has TCP tables and net.* sysctls of its own.`;
  }
  const why = lab.reason === undefined ? "" : `, because a private one cannot be had: ${lab.reason}`;
  return `A host lab${why}. Client, gateway and backend are this machine: its TCP tables hold everybody's connections, and its ` +
    "sysctls are not changed.";
}

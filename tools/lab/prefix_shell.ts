/**
 * The one way to another host: exactly `PREFIX sh`, with a program through its standard input. So nothing is
 * quoted by ssh, kubectl or podman on the way, and nothing has to be installed there.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { messageOf, UnavailableError } from "../errors.ts";
import { maskSecrets } from "../scenario/mask.ts";

/** A shell on another host, whose three streams are those of the client that leads there. */
export type PrefixShell = Deno.ChildProcess;

/** How a shell is started. */
export interface PrefixShellOptions {
  /**
   * What starts a command there, as typed in a shell: `ssh web1`, `kubectl exec -i POD --`. Empty for this
   * machine.
   */
  readonly prefix: string;
  /**
   * Whether the client is out of reach of the terminal, so that Ctrl-C does not end it. It cannot ask for a
   * password then. Default false.
   */
  readonly apart?: boolean;
}

/** What messages call where a prefix leads. Secrets in it are masked, as in all that is shown. */
export function placeOf(prefix: string): string {
  return prefix === "" ? "this machine" : maskSecrets(prefix);
}

/** What messages call the shell that a prefix starts: `ssh web1 sh`. */
export function shellOf(prefix: string): string {
  return prefix === "" ? "sh" : `${placeOf(prefix)} sh`;
}

/**
 * Starts a shell where a prefix leads.
 *
 * @throws {UnavailableError} where there is no `sh` here. That the prefix leads nowhere shows by what the
 * shell prints.
 */
export function startPrefixShell({ prefix, apart = false }: PrefixShellOptions): PrefixShell {
  const line = `exec ${apart ? "setsid " : ""}${prefix} sh`;
  try {
    return new Deno.Command("sh", { args: ["-c", line], stdin: "piped", stdout: "piped", stderr: "piped" })
      .spawn();
  } catch (error) {
    throw new UnavailableError(`sh cannot be started: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Ends the client of a shell, and the wait for what it prints. Does nothing where it has ended already.
 */
export function stopPrefixShell(
  child: PrefixShell,
  stdout?: ReadableStreamDefaultReader<Uint8Array>,
): void {
  // A child of the shell, which sleeps, may hold the pipe open.
  stdout?.cancel().catch(() => {});
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended already.
  }
}

/** Longest wait for the end of standard error, in milliseconds: a child of the shell may hold it open. */
const WORDS_WAIT_MS = 1_000;

const LINES_OF_ERROR = 3;

/** What a client says on its standard error. */
export interface ShellWords {
  /** The last lines of it, as the end of a sentence: `: ` and the lines, or nothing. */
  all(): Promise<string>;
  /** Ends the reading. */
  stop(): Promise<void>;
}

/** Collects what a shell says on its standard error. */
export function readShellWords(stream: ReadableStream<Uint8Array>): ShellWords {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = (async () => {
    for (let next; !(next = await reader.read()).done;) text += decoder.decode(next.value, { stream: true });
  })().catch(() => {});
  return {
    async all() {
      await deadline(read, WORDS_WAIT_MS).catch(() => {});
      return lastWords(text);
    },
    async stop() {
      await reader.cancel().catch(() => {});
      await read;
    },
  };
}

/** The last lines of a text as the end of a sentence; nothing for an empty one. */
export function lastWords(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.length === 0 ? "" : `: ${messageOf(lines.slice(-LINES_OF_ERROR).join("; "))}`;
}

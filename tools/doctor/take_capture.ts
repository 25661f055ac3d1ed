/**
 * Takes a capture on this machine or elsewhere: starts a shell there and hands it the program.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { messageOf, UnavailableError } from "../errors.ts";
import { type Capture, type CaptureReader, createCaptureReader } from "./capture.ts";
import { captureProgram, type CaptureRequest } from "./program.ts";
import { stopShell } from "./stop_shell.ts";

/** What to read, where. */
export interface TakeOptions extends CaptureRequest {
  /**
   * What starts a command there, as typed in a shell: `ssh web1`, `kubectl exec -i POD --`. Default: this
   * machine.
   */
  readonly host?: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Gets the capture as it comes; reading goes on when it is through. */
  readonly onChunk?: (chunk: Uint8Array) => void | Promise<void>;
}

/** Longest silence of the far end, in milliseconds, beside the time between two readings. */
const SILENCE_MS = 30_000;

const LINES_OF_ERROR = 3;

/**
 * Takes a capture. It starts exactly `HOST sh` and writes the program to that shell's standard input, so
 * nothing is quoted on the way and nothing is installed there. Nothing goes on there when the capture is
 * given up: the program ends by itself.
 *
 * @throws {UnavailableError} where the shell cannot be started, and where the capture does not come to its
 * last line: exit codes say nothing, because `kubectl exec` may end with 0 on a broken stream.
 */
export async function takeCapture(options: TakeOptions): Promise<Capture> {
  const { host, signal, onChunk } = options;
  const where = host === undefined ? "sh" : `${host} sh`;
  signal.throwIfAborted();
  const child = startShell(host);
  const chunks = child.stdout.getReader();
  const stop = () => stopShell(child, chunks);
  signal.addEventListener("abort", stop, { once: true });
  const words = readWords(child.stderr);
  const asked = writeProgram(child.stdin, captureProgram(options));
  const reader = createCaptureReader(`what ${where} printed`);
  let bytes = 0;
  try {
    const silenceMs = SILENCE_MS + options.seconds * 1000;
    for (;;) {
      const { value, done } = await deadline(chunks.read(), silenceMs);
      if (done) break;
      bytes += value.length;
      await onChunk?.(value);
      reader.push(value);
    }
    await asked;
    signal.throwIfAborted();
    const capture = bytes === 0 ? undefined : finished(reader);
    if (capture?.complete) return capture;
    throw new UnavailableError(
      `${where} has ended ahead of the capture's last line${wordsOf(await words.all())}`,
    );
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof UnavailableError) throw error;
    stop();
    const problem = error instanceof DOMException
      ? `says nothing for ${SILENCE_MS / 1000} s`
      : messageOf(error);
    throw new UnavailableError(
      `${where}: ${problem}${wordsOf(await words.all())}`,
    );
  } finally {
    signal.removeEventListener("abort", stop);
    await chunks.cancel().catch(() => {});
    await words.stop();
    await child.status;
  }
}

/** The capture; `undefined` where it is cut off ahead of what could be used. */
function finished(reader: CaptureReader): Capture | undefined {
  try {
    return reader.finish();
  } catch {
    return undefined;
  }
}

function startShell(host: string | undefined): Deno.ChildProcess {
  const args = host === undefined ? [] : ["-c", `exec ${host} sh`];
  try {
    return new Deno.Command("sh", { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    throw new UnavailableError(`sh cannot be started: ${messageOf(error)}`, { cause: error });
  }
}

/** A shell that has ended already, because its host is not there, tells why on its standard error. */
async function writeProgram(stdin: WritableStream<Uint8Array>, program: string): Promise<void> {
  await new Blob([program]).stream().pipeTo(stdin).catch(() => {});
}

/** Longest wait for the end of standard error, in milliseconds: a child of the shell may hold it open. */
const WORDS_WAIT_MS = 1_000;

/** Collects what a shell says on its standard error. */
function readWords(stream: ReadableStream<Uint8Array>): { all(): Promise<string>; stop(): Promise<void> } {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = (async () => {
    for (let next; !(next = await reader.read()).done;) text += decoder.decode(next.value, { stream: true });
  })().catch(() => {});
  return {
    async all() {
      await deadline(read, WORDS_WAIT_MS).catch(() => {});
      return text;
    },
    async stop() {
      await reader.cancel().catch(() => {});
      await read;
    },
  };
}

function wordsOf(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.length === 0 ? "" : `: ${messageOf(lines.slice(-LINES_OF_ERROR).join("; "))}`;
}

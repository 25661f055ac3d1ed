/**
 * Takes a capture on this machine or elsewhere: starts a shell there and hands it the program.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { messageOf, UnavailableError } from "../errors.ts";
import { readShellWords, shellOf, startPrefixShell, stopPrefixShell } from "../lab/prefix_shell.ts";
import { type Capture, type CaptureReader, createCaptureReader } from "./capture.ts";
import { captureProgram, type CaptureRequest } from "./program.ts";

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
  const where = shellOf(host ?? "");
  signal.throwIfAborted();
  const child = startPrefixShell({ prefix: host ?? "" });
  const chunks = child.stdout.getReader();
  const stop = () => stopPrefixShell(child, chunks);
  signal.addEventListener("abort", stop, { once: true });
  const words = readShellWords(child.stderr);
  const asked = writeProgram(child.stdin, captureProgram(options));
  const reader = createCaptureReader(`what ${where} printed`);
  const silenceMs = SILENCE_MS + options.seconds * 1000;
  let bytes = 0;
  try {
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
      `${where} has ended ahead of the capture's last line${await words.all()}`,
    );
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof UnavailableError) throw error;
    stop();
    const problem = error instanceof DOMException
      ? `says nothing for ${silenceMs / 1000} s`
      : messageOf(error);
    throw new UnavailableError(
      `${where}: ${problem}${await words.all()}`,
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

/** A shell that has ended already, because its host is not there, tells why on its standard error. */
async function writeProgram(stdin: WritableStream<Uint8Array>, program: string): Promise<void> {
  await new Blob([program]).stream().pipeTo(stdin).catch(() => {});
}

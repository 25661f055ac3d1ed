/**
 * A channel to a remote host: one client of its prefix, whose standard input, output and error are those of
 * one process there.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { deadline } from "@std/async/deadline";
import { type PrefixShell, shellOf, startPrefixShell } from "../prefix_shell.ts";
import { signalGroup } from "../process.ts";

/** A text in the quotes of a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Sets variables, or with `undefined` takes them away, in the words of a shell. */
export function environmentLines(env: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(env)
    .map(([name, value]) => value === undefined ? `unset ${name}\n` : `export ${name}=${quoted(value)}\n`)
    .join("");
}

/**
 * The lines that make a shell become a program with arguments. It is not read from standard input: a shell
 * may read further there than it has come, and what follows is for the program.
 */
export function becomeLine(program: string, args: readonly string[]): string {
  return `exec sh -c ${[program, "sh", ...args].map(quoted).join(" ")}\n`;
}

/** Standard input of a process there. Nothing of it fails when the process or its client has ended. */
export interface RemoteInput {
  /** Writes, and returns when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes it. Not every client passes this on. */
  close(): Promise<void>;
}

/** The client of a prefix at work. */
export interface Client {
  /** `PREFIX sh`, for messages. */
  readonly what: string;
  /** What goes there. */
  readonly stdin: RemoteInput;
  /** What comes from there. */
  readonly stdout: ReadableStream<Uint8Array>;
  /** What is said there, and by the client itself. */
  readonly stderr: ReadableStream<Uint8Array>;
  /** Resolves when the client has ended. What it has passed on may not have been read yet. */
  readonly exited: Promise<unknown>;
  /** Ends the client, and all that it has started here. Returns when it has ended. */
  end(): Promise<void>;
}

/** Longest wait for the end of a client that has been told to end, in milliseconds; then it is killed. */
const CLIENT_GRACE_MS = 2_000;

/**
 * Starts the client of a prefix, and writes the program.
 *
 * @throws {UnavailableError} where there is no `sh` here.
 */
export function startClient(prefix: string, program: string): Client {
  const child: PrefixShell = startPrefixShell({ prefix, apart: true });
  const writer = child.stdin.getWriter();
  const write = async (bytes: Uint8Array) => {
    // One that has ended tells why on its standard error.
    await writer.write(bytes).catch(() => {});
  };
  void write(new TextEncoder().encode(program));
  return {
    what: shellOf(prefix),
    stdin: { write, close: () => writer.close().catch(() => {}) },
    stdout: child.stdout,
    stderr: child.stderr,
    exited: child.status,
    async end() {
      // What is on its way is waited for, and a client that has been stopped takes it when it is killed.
      const aborted = writer.abort().catch(() => {});
      signalGroup(child.pid, "SIGTERM");
      await deadline(child.status, CLIENT_GRACE_MS).catch(() => {});
      // Of a prefix that is several commands, one may have been stopped.
      signalGroup(child.pid, "SIGKILL");
      await Promise.all([child.status, aborted]);
    },
  };
}

/** The part of a stream that a process there has written, between the line before it and the line after. */
export interface Framed {
  /** What the line before says. */
  readonly begun: string;
  /** What the process writes, to the line after or to the end of the stream. Read only as it is asked for. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /**
   * What the line after says; `undefined` where the stream has ended without one, which is no orderly end.
   * It comes when `bytes` have been read to their end.
   */
  readonly ended: Promise<string | undefined>;
}

/** Characters that are kept of what comes ahead of the line before. */
const WORDS_KEPT = 2_000;

/** Longest line before, and line after, in bytes. */
const LONGEST_FRAME = 256;

/**
 * Begins the mark of our own lines in the output of a process there: a separator of records, which hardly any
 * output holds (ASCII, RS).
 */
const MARK = "\x1e";

/**
 * Reads a stream up to the line before. What comes ahead of it are words of the client, or of a shell's
 * start-up files.
 *
 * @throws {Error} where the stream ends ahead of it. The message is what came.
 */
export async function readFramed(stream: ReadableStream<Uint8Array>, token: string): Promise<Framed> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const before = `${MARK}${token} started`;
  let kept: Buffer = Buffer.alloc(0);
  const more = async () => {
    const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
    if (!done) kept = kept.length === 0 ? toBuffer(value!) : Buffer.concat([kept, value!]);
    return !done;
  };
  for (;;) {
    const start = kept.indexOf(before);
    const lineEnd = start < 0 ? -1 : kept.indexOf("\n", start);
    if (lineEnd >= 0) {
      const begun = decoder.decode(kept.subarray(start + before.length, lineEnd)).trim();
      kept = kept.subarray(lineEnd + 1);
      const ended = Promise.withResolvers<string | undefined>();
      return { begun, bytes: readToEnd(ended.resolve), ended: ended.promise };
    }
    if (start < 0 && kept.length > WORDS_KEPT) kept = kept.subarray(kept.length - WORDS_KEPT);
    if (!await more()) throw new Error(decoder.decode(kept).trim());
  }

  async function* readToEnd(onEnd: (said: string | undefined) => void): AsyncGenerator<Uint8Array> {
    const after = `${MARK}${token} ended`;
    try {
      do {
        const end = kept.indexOf(after);
        const lineEnd = end < 0 ? -1 : kept.indexOf("\n", end);
        if (lineEnd >= 0) {
          if (end > 0) yield kept.subarray(0, end);
          onEnd(decoder.decode(kept.subarray(end + after.length, lineEnd)).trim());
          return;
        }
        // The beginning of the line after may have come, and the rest of it not.
        const mark = kept.lastIndexOf(MARK);
        const free = mark < 0 || kept.length - mark > LONGEST_FRAME ? kept.length : mark;
        if (free > 0) yield kept.subarray(0, free);
        kept = kept.subarray(free);
      } while (await more());
      if (kept.length > 0) yield kept;
    } finally {
      onEnd(undefined);
      await reader.cancel().catch(() => {});
    }
  }
}

function toBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/**
 * The lease of a remote host: one channel that says each second that we are there, and without which the far
 * end ends all that we have started, and leaves nothing behind.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { UnavailableError } from "../../errors.ts";
import { lastWords, readShellWords } from "../prefix_shell.ts";
import { readLines } from "../process.ts";
import { becomeLine, environmentLines, startClient } from "./channel.ts";
import type { ClockReading } from "./clock.ts";
import FAR_END from "./far_end.sh" with { type: "text" };
import { type FarEnd, parseFarEnd } from "./far_facts.ts";

/** Time between two lines to the far end, in milliseconds. It ends after 10 s without one. */
const BEAT_MS = 1_000;

/** Beats without an answer after which the far end counts as lost. A bench that is stopped counts none. */
const SILENT_BEATS = 20;

/** Longest time until the far end has said who it is, in milliseconds: its client has to connect. */
const READY_LIMIT_MS = 30_000;

/** Longest time that the far end may take to end everything, in milliseconds. */
const END_LIMIT_MS = 30_000;

/** Longest wait for the end of the channel once nothing more goes there, in milliseconds. */
const CLOSE_LIMIT_MS = 2_000;

/** A lease that is held. Disposing it ends all that runs there, and returns when nothing is left. */
export interface Lease extends AsyncDisposable {
  /** What starts a command there, as typed: `ssh web1`. */
  readonly prefix: string;
  /** What marks everything that we start there. It is no secret. */
  readonly token: string;
  /** What the far end is. */
  readonly far: FarEnd;
  /** Sends a line that has no answer; see far_end.sh. Does nothing once the lease is lost. */
  note(line: string): void;
  /** Makes a folder there that goes with the lease; `undefined` where none can be made. */
  folder(): Promise<string | undefined>;
  /** Reads the clock there once. */
  readClock(): Promise<ClockReading>;
  /**
   * Resolves with the reason when the lease is over: all that ran there has ended, or will within seconds.
   */
  readonly over: Promise<Error>;
  /** The reason, once the lease is over. */
  readonly reason: () => Error | undefined;
}

/**
 * Takes a lease on a host.
 *
 * @param signal ends the wait for a host that has not said who it is yet.
 * @throws {UnavailableError} where the host cannot be reached, or does not have what the far end needs.
 */
export async function takeLease(prefix: string, signal?: AbortSignal): Promise<Lease> {
  signal?.throwIfAborted();
  const token = crypto.randomUUID().replaceAll("-", "");
  const program = environmentLines({ TIMEWAIT_FAR: token }) + becomeLine(FAR_END, [token]);
  const client = startClient(prefix, program);
  const words = readShellWords(client.stderr);
  const answers = createAnswers(token);
  const read = readLines(client.stdout, answers.onLine).catch(() => {}).then(() => answers.end(undefined));

  let reason: Error | undefined;
  const over = answers.ended.then(async (said) => {
    clearInterval(beat);
    // It ends everything when it sees this, or after 10 s.
    void client.stdin.close();
    const why = said === undefined
      ? `has ended${lastWords(answers.noise())}${await words.all()}`
      : wordsOf(said);
    return reason = new UnavailableError(`${client.what} ${why}`);
  });
  const write = (line: string) => void client.stdin.write(new TextEncoder().encode(`${line}\n`));
  const readClock = () => {
    const { number, reading } = answers.expectClock();
    write(`clock ${number}`);
    return reading;
  };
  let beat: ReturnType<typeof setInterval> | undefined = undefined;
  const end = async () => {
    clearInterval(beat);
    await client.stdin.close();
    await deadline(read, CLOSE_LIMIT_MS).catch(() => {});
    await client.end();
    await words.stop();
    await read;
    await over;
  };

  try {
    await deadline(
      Promise.race([answers.ready, over.then((error) => Promise.reject(error))]),
      READY_LIMIT_MS,
      { signal },
    );
  } catch (error) {
    answers.end("unready");
    await end();
    if (signal?.aborted) throw signal.reason;
    throw error instanceof UnavailableError ? error : reason!;
  }
  // The far end counts from here on as well. What is sent earlier would wait in its input.
  beat = setInterval(() => {
    if (answers.countBeat() > SILENT_BEATS) answers.end("unheard");
    void readClock();
  }, BEAT_MS);
  return {
    prefix,
    token,
    far: parseFarEnd(answers.facts),
    over,
    reason: () => reason,
    note: (line) => reason === undefined && write(line),
    readClock,
    async folder() {
      write("folder");
      return await Promise.race([answers.expectFolder(), over.then((why) => Promise.reject(why))]);
    },
    async [Symbol.asyncDispose]() {
      write("end");
      await client.stdin.close();
      const said = await deadline(answers.ended, END_LIMIT_MS).catch(() => "unended");
      await end();
      const [, ...left] = said?.split(" ") ?? [];
      if (said === "unended" || left.length > 0) {
        throw new UnavailableError(`${client.what} ${wordsOf(said!)}`);
      }
    },
  };
}

/** What the last line of a far end means, and what we take for its end. */
const REASONS: Readonly<Record<string, string>> = {
  asked: "has ended as asked",
  closed: "found the way from here closed, so the far end has ended all that ran there",
  silence: "has heard nothing from here for 10 s, so the far end has ended all that ran there",
  killed: "was killed there, and all that ran there with it",
  no_cat: "finds no cat there, and needs it",
  no_sleep: "finds no sleep there, and needs it",
  unfit: "sees no /proc, or that of another PID namespace, by which it could end nothing: " +
    "give a prefix that leads to both",
  unheard: `gives no sign of life for ${SILENT_BEATS} s; all that ran there ends by itself`,
  unready: `says nothing for ${READY_LIMIT_MS / 1000} s`,
  unended: `has not ended all that ran there within ${END_LIMIT_MS / 1000} s`,
};

function wordsOf(said: string): string {
  const [word, ...left] = said.split(" ");
  const why = REASONS[word!] ?? said;
  return left.length === 0 ? why : `${why}; these processes there could not be ended: ${left.join(" ")}`;
}

/** Characters that are kept of what is no line of the far end's. */
const NOISE_KEPT = 2_000;

/** Sorts the lines of a far end by what they answer. */
function createAnswers(token: string) {
  const facts: string[] = [];
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string | undefined>();
  const clocks = new Map<string, { readonly sentMs: number; resolve(reading: ClockReading): void }>();
  const folders: ((path: string | undefined) => void)[] = [];
  let asked = 0;
  let beats = 0;
  let noise = "";
  return {
    facts,
    ready: ready.promise,
    ended: ended.promise,
    end: ended.resolve,
    noise: () => noise,
    countBeat: () => ++beats,
    onLine(line: string) {
      const receivedMs = performance.now();
      if (!line.startsWith(`${token} `)) return void (noise = `${noise}${line}\n`.slice(-NOISE_KEPT));
      beats = 0;
      const text = line.slice(token.length + 1);
      const [word, first = "", second] = text.split(" ");
      if (word === "is") facts.push(text.slice("is ".length));
      else if (word === "ready") ready.resolve();
      else if (word === "folder") folders.shift()?.(first === "" ? undefined : first);
      else if (word === "ended") ended.resolve(text.slice("ended ".length));
      else if (word === "clock") {
        const clock = clocks.get(first);
        clocks.delete(first);
        clock?.resolve({ sentMs: clock.sentMs, receivedMs, uptimeMs: Number(second) * 1000 });
      }
    },
    expectClock() {
      const { promise, resolve } = Promise.withResolvers<ClockReading>();
      const number = String(asked++);
      clocks.set(number, { sentMs: performance.now(), resolve });
      return { number, reading: promise };
    },
    expectFolder() {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      folders.push(resolve);
      return promise;
    },
  };
}

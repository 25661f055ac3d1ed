/**
 * A tool as the script that was started: signals in, exit code out.
 *
 * @module
 */

import type { Main } from "./command.ts";

/**
 * Runs a tool as the script that was started: the first SIGINT, SIGTERM or SIGHUP aborts its signal, so that
 * it ends in order; the second ends the process at once with 130. Sets `Deno.exitCode`. Under `nohup` SIGHUP
 * does nothing. What has not ended {@linkcode END_LIMIT_MS} after the signal hangs, and is ended then.
 *
 * Started by `deno task`, which works in the folder of deno.json, it goes back to where the person typed, so
 * that paths are theirs; and it ends when the task is killed.
 */
export async function runAsScript(main: Main): Promise<void> {
  // Before anything that takes time: the task may be killed meanwhile, and its place taken.
  const parent = Deno.ppid;
  const controller = new AbortController();
  let firstMs: number | undefined;
  const onSignal = () => {
    firstMs ??= performance.now();
    if (controller.signal.aborted && performance.now() - firstMs > ONE_KEY_PRESS_MS) Deno.exit(130);
    if (!controller.signal.aborted) Deno.unrefTimer(setTimeout(() => Deno.exit(130), END_LIMIT_MS));
    controller.abort(new DOMException("interrupted", "AbortError"));
  };
  const byTask = startedByTask();
  const listeners: [Deno.Signal, () => void][] = [["SIGINT", onSignal], ["SIGTERM", onSignal]];
  const hangUp = hangUpIsIgnored();
  if (hangUp !== undefined) listeners.push(["SIGHUP", hangUp ? () => {} : onSignal]);
  if (byTask) listeners.push(["SIGTSTP", refuseToPause()]);
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  endings.set(controller.signal, onSignal);
  const stopWatching = byTask ? followTask(parent, onSignal) : () => {};
  addEventListener("unload", refuseToEndEarly);
  try {
    Deno.exitCode = await main(Deno.args, controller.signal);
    removeEventListener("unload", refuseToEndEarly);
    // What was given up may still hold a thread, such as the opening of a pipe that nobody reads; or it is a
    // module that never finishes loading, of which Deno would complain.
    if (controller.signal.aborted || Deno.exitCode !== 0) Deno.exit(Deno.exitCode);
  } finally {
    stopWatching();
    for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
  }
}

/** Code that a tool has loaded, such as a scenario, may end the process. That is no success. */
function refuseToEndEarly(): void {
  if (Deno.exitCode !== 0) return;
  console.error("error: this was ended by code that it had loaded, with Deno.exit or process.exit");
  Deno.exitCode = 1;
}

/** The signals that {@linkcode whileSignalsEnd} leaves to the system. */
const ENDING: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/** What hears the signals that abort a tool's signal. */
const endings = new WeakMap<AbortSignal, () => void>();

/**
 * Does work that has nothing to put in order when it is interrupted, and that may never end or give way, such
 * as loading what somebody else has written: meanwhile Ctrl-C ends the process at once, as it does without
 * any listener.
 *
 * @param signal that of the tool.
 */
export async function whileSignalsEnd<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const listener = endings.get(signal);
  if (listener === undefined) return await work();
  for (const name of ENDING) Deno.removeSignalListener(name, listener);
  try {
    return await work();
  } finally {
    for (const name of ENDING) Deno.addSignalListener(name, listener);
  }
}

/**
 * One Ctrl-C comes twice to a tool that `deno task` has started: from the terminal, and passed on by the
 * task. What comes within this time of the first, in milliseconds, is the same key press.
 */
const ONE_KEY_PRESS_MS = 500;

/**
 * How long a tool may take to end in order, in milliseconds. Parties with requests in flight have 10 s for
 * that, and a gateway of ours 10 s as well; what takes longer waits for something that never comes.
 */
const END_LIMIT_MS = 30_000;

const PARENT_POLL_MS = 500;

/**
 * Whether SIGHUP is ignored, as under `nohup`; `undefined` where that cannot be told. Deno does not say, and
 * lets nobody read /proc, but a child inherits it (signal(7)).
 */
function hangUpIsIgnored(): boolean | undefined {
  if (Deno.permissions.querySync({ name: "run", command: "sh" }).state !== "granted") return undefined;
  try {
    const { stdout } = new Deno.Command("sh", {
      args: [
        "-c",
        'while read -r name mask; do [ "$name" = SigIgn: ] && echo "$mask"; done </proc/self/status',
      ],
    }).outputSync();
    const mask = new TextDecoder().decode(stdout).trim();
    return /^[0-9a-f]+$/.test(mask) ? (BigInt(`0x${mask}`) & 1n) === 1n : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes Ctrl-Z, and says that it does nothing. `deno task` goes on when its command is stopped, so the shell
 * would wait for it, and the terminal would answer no more.
 */
function refuseToPause(): () => void {
  let saidMs = -Infinity;
  return () => {
    // The key comes twice, as Ctrl-C does.
    if (performance.now() - saidMs > ONE_KEY_PRESS_MS) {
      console.error("\nCtrl-Z cannot pause this: Ctrl-C ends it");
    }
    saidMs = performance.now();
  };
}

/** Whether `deno task` has started this process. A party that may not read the environment does not care. */
function startedByTask(): boolean {
  const env = Deno.permissions.querySync({ name: "env", variable: "INIT_CWD" });
  return env.state === "granted" && Deno.env.get("INIT_CWD") !== undefined;
}

/**
 * Goes to the directory of the person who typed, and calls back when the task, this process's parent, is
 * gone. Returns what ends that.
 */
function followTask(parent: number, onGone: () => void): () => void {
  try {
    Deno.chdir(Deno.env.get("INIT_CWD")!);
  } catch {
    // It is gone, or not for us to read: paths are relative to where the task works.
  }
  const timer = setInterval(() => Deno.ppid === parent || onGone(), PARENT_POLL_MS);
  return () => clearInterval(timer);
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/**
 * A tool as the script that was started: signals in, exit code out.
 *
 * @module
 */

import type { Main } from "./command.ts";

/**
 * Runs a tool as the script that was started: the first SIGINT or SIGTERM aborts its signal, so that it ends
 * in order; the second ends the process at once with 130. Sets `Deno.exitCode`.
 *
 * Started by `deno task`, which works in the folder of deno.json, it goes back to where the person typed, so
 * that paths are theirs; and it ends when the task is killed.
 */
export async function runAsScript(main: Main): Promise<void> {
  const controller = new AbortController();
  let firstMs: number | undefined;
  const onSignal = () => {
    firstMs ??= performance.now();
    if (controller.signal.aborted && performance.now() - firstMs > ONE_KEY_PRESS_MS) Deno.exit(130);
    controller.abort(new DOMException("interrupted", "AbortError"));
  };
  const signals: Deno.Signal[] = ["SIGINT", "SIGTERM"];
  for (const name of signals) Deno.addSignalListener(name, onSignal);
  const stopWatching = startedByTask() ? followTask(onSignal) : () => {};
  try {
    Deno.exitCode = await main(Deno.args, controller.signal);
  } finally {
    stopWatching();
    for (const name of signals) Deno.removeSignalListener(name, onSignal);
  }
}

/**
 * One Ctrl-C comes twice to a tool that `deno task` has started: from the terminal, and passed on by the
 * task. What comes within this time of the first, in milliseconds, is the same key press.
 */
const ONE_KEY_PRESS_MS = 500;

const PARENT_POLL_MS = 500;

/** Whether `deno task` has started this process. A party that may not read the environment does not care. */
function startedByTask(): boolean {
  const env = Deno.permissions.querySync({ name: "env", variable: "INIT_CWD" });
  return env.state === "granted" && Deno.env.get("INIT_CWD") !== undefined;
}

/**
 * Goes to the directory of the person who typed, and calls back when the task is gone. Returns what ends
 * that.
 */
function followTask(onGone: () => void): () => void {
  try {
    Deno.chdir(Deno.env.get("INIT_CWD")!);
  } catch {
    // It is gone, or not for us to read: paths are relative to where the task works.
  }
  const parent = Deno.ppid;
  const timer = setInterval(() => Deno.ppid === parent || onGone(), PARENT_POLL_MS);
  return () => clearInterval(timer);
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Waiting for what can be observed. */

/**
 * Waits until the condition holds. Throws when it does not within the deadline, and says what was waited for.
 *
 * A condition that starts a program, such as `ps`, is asked for a fifth of the time at most: what is waited
 * for needs the CPUs as well.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
  what = String(condition),
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const askedMs = performance.now();
    if (await condition()) return;
    const nowMs = performance.now();
    if (nowMs > endMs) throw new Error(`not so after ${deadlineMs} ms: ${what}`);
    const pauseMs = Math.min(4 * (nowMs - askedMs), 200);
    await new Promise((resolve) => setTimeout(resolve, Math.max(5, pauseMs)));
  }
}

/** Whether a process runs. A process that has ended does not, though nobody has waited for it yet. */
export function isAlive(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).outputSync();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}

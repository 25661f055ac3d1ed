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

/**
 * Whether a process runs. A process that has ended does not, though nobody has waited for it yet.
 *
 * Signal 0 finds those that are gone without a program. Only whether one that is there has ended takes a
 * program to look: Deno lets nobody read /proc who has not all permissions.
 */
export function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  const args = [`/proc/${pid}/stat`];
  const { stdout } = new Deno.Command("cat", { args, stderr: "null" }).outputSync();
  // Behind its name, which is in brackets and may hold some.
  const state = /.*\) (\S)/s.exec(new TextDecoder().decode(stdout))?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}

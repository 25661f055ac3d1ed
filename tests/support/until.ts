/** Waiting for what can be observed. */

/**
 * Waits until the condition holds. Throws when it does not within the deadline, and says what was waited for.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
  what = String(condition),
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not so after ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Whether a process runs. A process that has ended does not, though nobody has waited for it yet. */
export function isAlive(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).outputSync();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}

/**
 * The end of a shell that reads for the doctor, here or on another host.
 *
 * @module
 */

/** Ends a shell, and the wait for what it prints. Does nothing where it has ended already. */
export function stopShell(child: Deno.ChildProcess, stdout: ReadableStreamDefaultReader<Uint8Array>): void {
  // A child of the shell, which sleeps, may hold the pipe open.
  stdout.cancel().catch(() => {});
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended already.
  }
}

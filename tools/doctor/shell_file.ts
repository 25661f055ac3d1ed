/**
 * Files that the doctor writes. Its task may start `sh` and has no permission to write: the shell writes.
 *
 * @module
 */

import { messageOf, TimewaitError } from "../errors.ts";

/** A file that is being written. */
export interface ShellFile {
  /** Adds to it. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Puts it in its place, where it appears whole or not at all.
   *
   * @throws {TimewaitError} where it cannot be written; what was there before stays.
   */
  finish(): Promise<void>;
}

/** Writes beside the file, then renames: who reads it meanwhile finds the old one. */
const WRITE = 'cat >"$1.$$" && mv -f "$1.$$" "$1" || { code=$?; rm -f "$1.$$"; exit $code; }';

/** Begins a file. Given up, it leaves nothing behind. */
export function createShellFile(path: string): ShellFile {
  const child = new Deno.Command("sh", {
    args: ["-c", WRITE, "sh", path],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stdin = child.stdin.getWriter();
  const stderr = new Response(child.stderr).text();
  return {
    write: (chunk) => stdin.write(chunk).catch(() => {}),
    async finish() {
      await stdin.close().catch(() => {});
      const { success } = await child.status;
      const said = messageOf(await stderr).replace(/^.*?: (?:\d+: )?/, "");
      if (!success) throw new TimewaitError(`${path} cannot be written: ${said}`);
    },
  };
}

/** Writes a whole file. */
export async function writeByShell(path: string, text: string): Promise<void> {
  const file = createShellFile(path);
  await file.write(new TextEncoder().encode(text));
  await file.finish();
}

/** Folders for PATH in which `sh` is one of the shells that a far end may have, and little else is there. */

import { findCommand } from "../../tools/lab/find_command.ts";
import { needs, reasonFor } from "./requirements.ts";

/** Shells that the far end is to run in. Each may be missing on a machine. */
export const SHELLS = ["dash", "busybox", "bash"] as const;

/** Options of a test that needs all of them. */
export const allShells = needs("dash, Busybox and bash", reasonFor(() => SHELLS.forEach(findCommand)));

/** Commands that a far end needs, and no others. */
const NEEDED = ["cat", "kill", "sleep"];

/** What leads to a shell. */
export interface ShellPrefix extends AsyncDisposable {
  /** What starts a command where `sh` is that shell. */
  readonly prefix: string;
  /** The folder of its commands. */
  readonly folder: string;
}

/**
 * Makes a prefix that leads to a shell, with what the far end needs and no more.
 *
 * @param others `true` where all other commands of this machine are to be there as well.
 */
export async function prefixOf(
  shell: typeof SHELLS[number],
  { others = false }: { readonly others?: boolean } = {},
): Promise<ShellPrefix> {
  const folder = await Deno.makeTempDir({ prefix: "timewait_shell_" });
  await Deno.symlink(findCommand(shell), `${folder}/sh`);
  for (const tool of NEEDED) {
    await Deno.symlink(shell === "busybox" ? findCommand("busybox") : findCommand(tool), `${folder}/${tool}`);
  }
  return {
    prefix: `env -i PATH=${folder}${others ? `:${Deno.env.get("PATH")}` : ""}`,
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/**
 * Where the files of Timewait are.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The folder of all sources, as a URL that ends in a slash. */
export const TOOLS: URL = new URL("./", import.meta.url);

/**
 * The path of a file or folder of Timewait, for a program that takes paths. Spaces and other characters stand
 * for themselves.
 *
 * @returns `undefined` where the sources were not loaded from this machine's disk.
 */
export function pathOf(url: URL): string | undefined {
  return url.protocol === "file:" ? fileURLToPath(url).replace(/(.)\/$/, "$1") : undefined;
}

/** A permission of Deno, and the flag of `deno run` that gives it. */
export interface SourcePermission {
  /** The flag: `--allow-read=PATH`, or `--allow-import=HOST`. */
  readonly flag: string;
  /** The permission, to be looked up. */
  readonly descriptor: Deno.PermissionDescriptor;
}

/**
 * The permission that a thread needs to load sources of Timewait again: to read them, or to import them where
 * they came from a server.
 *
 * Deno takes several paths with commas between them and has no way to write a comma in one. So for a folder
 * with a comma in its name the permission is for all files.
 */
export function sourcePermission(sources: URL = TOOLS): SourcePermission {
  const path = pathOf(sources);
  if (path === undefined) {
    return { flag: `--allow-import=${sources.host}`, descriptor: { name: "import", host: sources.host } };
  }
  return {
    flag: path.includes(",") ? "--allow-read" : `--allow-read=${path}`,
    descriptor: { name: "read", path },
  };
}

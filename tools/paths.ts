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

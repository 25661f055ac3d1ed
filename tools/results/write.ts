/**
 * Keeps a results document in a file: opened before the first run, written anew after each repetition.
 *
 * @module
 */

import { reasonOf, terminalSafeJson } from "../errors.ts";
import { type Results } from "./results.ts";

/** Writes the whole document to the file at once: a reader finds the old document or the new one. */
export async function writeResults(path: string, results: Results): Promise<void> {
  await writeWhole(path, `${terminalSafeJson(results, 1)}\n`);
}

/**
 * Writes a file beside its place and moves it there, so that a full disk leaves what was there before.
 *
 * @throws {Error} which names the file and the reason.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${Deno.pid}.partial`;
  try {
    if (await isSpecial(path)) return await Deno.writeTextFile(path, text);
    await Deno.writeTextFile(partial, text);
    await Deno.rename(partial, path);
  } catch (cause) {
    await Deno.remove(partial).catch(() => {});
    throw new Error(`${path} cannot be written: ${reasonOf(cause)}`, { cause });
  }
}

/** Whether a pipe, a device or a link stands there, which no file may replace. */
async function isSpecial(path: string): Promise<boolean> {
  const { isFile } = await Deno.lstat(path).catch(() => ({ isFile: true }));
  return !isFile;
}

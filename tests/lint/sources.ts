/**
 * The sources of the project, for the programs that hold its rules. They stand with the tests: what is
 * published needs none of them.
 *
 * @module
 */

import { ROOT } from "../support/root.ts";

/** Every TypeScript file of ours: its text by its path from the top of the project. */
export function readSources(...folders: readonly string[]): Map<string, string> {
  const sources = new Map([["mod.ts", Deno.readTextFileSync(`${ROOT}mod.ts`)]]);
  const visit = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) visit(path);
      else if (name.endsWith(".ts")) sources.set(path, Deno.readTextFileSync(ROOT + path));
    }
  };
  folders.forEach(visit);
  return sources;
}

/** Prints what offends against a rule, and returns the exit code. */
export function report(offences: readonly string[]): number {
  for (const offence of offences) console.error(offence);
  return offences.length === 0 ? 0 : 1;
}

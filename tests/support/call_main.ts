/**
 * Calls the `main` of a tool with one command line after another, in one process: a process for each costs
 * half a second of a CPU, most of it for loading the tool. Takes the tool's name and the command lines as
 * JSON. After each command line, both streams have a line with its exit code and a NUL.
 *
 * @module
 */

import type { Main } from "../../tools/cli/command.ts";

const [tool, lines] = Deno.args as [string, string];
const { main }: { readonly main: Main } = await import(
  new URL(`../../tools/${tool}.ts`, import.meta.url).href
);
const { signal } = new AbortController();
for (const args of JSON.parse(lines) as string[][]) {
  const end = `${await main(args, signal)}\0`;
  console.log(end);
  console.error(end);
}

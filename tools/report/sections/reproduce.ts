/**
 * The command line that measures this again.
 *
 * @module
 */

import type { Results } from "../../results/results.ts";
import type { Findings } from "../../verdict/findings.ts";

/** The section. */
export function renderReproduce(_findings: Findings, { command }: Results): string[] {
  return ["## Measure it again", "", "```sh", command.replace(/^deno task /, "npx -y deno task "), "```"];
}

/**
 * The command line that measures this again.
 *
 * @module
 */

import { codeBlock } from "../markdown.ts";
import type { Results } from "../../results/results.ts";
import { MASK } from "../../scenario/mask.ts";
import type { Findings } from "../../verdict/findings.ts";

/** The section. */
export function renderReproduce(_findings: Findings, { command, runs }: Results): string[] {
  const masked = [command, JSON.stringify(runs.map(({ options }) => options))].some((text) =>
    text.includes(MASK)
  );
  return [
    "## Measure it again",
    "",
    ...codeBlock(command.replace(/^deno task /, "npx -y deno task "), "sh"),
    ...(masked
      ? ["", `\`${MASK}\` stands for a secret, which no results and no report keep: put yours in its place.`]
      : []),
  ];
}

/**
 * The **knobs** of this machine that bear on TIME_WAIT: their values, what they do and what they do not do;
 * and what puts back those that a killed bench has left.
 *
 * As a script: `deno task sysctl`, `deno task sysctl restore`.
 *
 * @module
 */

import { didYouMean, messageOf, TimewaitError } from "./errors.ts";
import { type Main, mainOf, runAsScript, switchFlag } from "./cli/command_line.ts";
import { describeRestored } from "./lab/machine_knobs.ts";
import { localMachine } from "./lab/host.ts";
import { type RestoredSysctl, restoreHostSysctls, SysctlsHeldError } from "./lab/machine_knobs.ts";
import { readSysctls } from "./lab/knobs.ts";
import { REMOVED_SYSCTLS, SYSCTL_FACTS } from "./lab/knob_facts.ts";

/** The command, as a function: see {@linkcode Main}. Returns 1 where sysctls could not be put back. */
export const main: Main = mainOf({
  name: "sysctl",
  summary: "Shows the sysctls of this machine that bear on TIME_WAIT, and what they do and do not do.",
  positionals: "[restore]",
  flags: {
    quiet: switchFlag(
      "restore without a word where nothing was left, and without failure: for use ahead of another tool",
    ),
  },
  examples: ["deno task sysctl", "sudo deno task sysctl restore"],
  async run({ quiet }, { positionals: words }) {
    const [word, ...more] = words;
    if (quiet && word === undefined) {
      throw new TimewaitError("is for restore: sysctl restore --quiet", { field: "quiet" });
    }
    if (word === "restore" && more.length === 0) return quiet ? await restoreFirst() : await restore();
    if (word !== undefined) {
      throw new TimewaitError(
        `sysctl takes restore or nothing, not "${words.join(" ")}"${didYouMean(word, ["restore"])}`,
      );
    }
    await restoreHostSysctls().then(printRestored, (error) => console.error(messageOf(error)));
    await using machine = localMachine();
    const values = await readSysctls(machine, SYSCTL_FACTS.map((fact) => fact.key));
    console.log(renderSysctls(values));
    return 0;
  },
});

async function restore(): Promise<number> {
  const restored = await restoreHostSysctls();
  if (restored.length === 0) console.error("nothing to put back");
  printRestored(restored);
  return 0;
}

/**
 * What `deno task` runs ahead of the tools that may not change sysctls themselves. A bench that is alive
 * keeps its own.
 */
async function restoreFirst(): Promise<number> {
  try {
    printRestored(await restoreHostSysctls());
  } catch (error) {
    if (!(error instanceof SysctlsHeldError)) console.error(messageOf(error));
  }
  return 0;
}

/**
 * Renders what is known of each sysctl beside its value.
 *
 * @param values in the order of {@linkcode SYSCTL_FACTS}; `null` where this kernel does not have it.
 */
function renderSysctls(values: readonly (string | null)[]): string {
  const known = SYSCTL_FACTS.flatMap((fact, i) => {
    const value = values[i] ?? null;
    return [
      `${fact.key} = ${value ?? "(not on this kernel, or not in this network namespace)"}`,
      `  does      ${fact.does}`,
      `  does not  ${fact.doesNot}`,
      `  scope     ${
        fact.perNamespace ? "per network namespace" : "the whole machine"
      }; Kubernetes: ${fact.kubernetes}`,
      `  source    ${fact.source}`,
      "",
    ];
  });
  const removed = Object.entries(REMOVED_SYSCTLS).flatMap(([key, why]) => [`${key}: ${why}`]);
  return [...known, ...removed].join("\n");
}

function printRestored(sysctls: readonly RestoredSysctl[]): void {
  for (const sysctl of sysctls) console.error(describeRestored(sysctl));
}

if (import.meta.main) await runAsScript(main);

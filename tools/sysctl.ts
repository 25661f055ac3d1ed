/**
 * The **knobs** of this machine that bear on TIME_WAIT: their values, what they do and what they do not do; and what
 * puts back those that a killed bench has left.
 *
 * As a script: `deno task sysctl`, `deno task sysctl restore`. As a module: {@linkcode renderSysctls} and
 * {@linkcode restoreHostSysctls}.
 *
 * @module
 */

import {
  didYouMean,
  type Main,
  mainOf,
  messageOf,
  runAsScript,
  switchFlag,
  UsageError,
} from "./cli/command_line.ts";
import { localMachine } from "./lab/host.ts";
import {
  holdHostSysctls,
  type HostSysctls,
  type RestoredSysctl,
  restoreHostSysctls,
  SysctlsHeldError,
} from "./lab/machine_knobs.ts";
import type { LabChoice } from "./lab/lab.ts";
import { readSysctls } from "./lab/knobs.ts";
import { REMOVED_SYSCTLS, SYSCTL_FACTS } from "./lab/knob_facts.ts";

/** The command, as a function: see {@linkcode Main}. Returns 1 where sysctls could not be put back. */
export const main: Main = mainOf({
  name: "sysctl",
  summary: "Shows the sysctls of this machine that bear on TIME_WAIT, and what they do and do not do.",
  positionals: "[restore]",
  flags: {
    quiet: switchFlag("with restore, ahead of another tool: print what was put back, and never fail"),
  },
  examples: ["deno task sysctl", "sudo deno task sysctl restore"],
  async run({ quiet }, words) {
    const [word, ...more] = words;
    if (word === "restore" && more.length === 0) return quiet ? await restoreFirst() : await restore();
    if (word !== undefined) {
      throw new UsageError(
        `sysctl takes restore or nothing, not "${words.join(" ")}"${didYouMean(word, ["restore"])}`,
      );
    }
    await restoreHostSysctls().then(tellRestored, (error) => console.error(messageOf(error)));
    await using machine = localMachine();
    const values = await readSysctls(machine, SYSCTL_FACTS.map((fact) => fact.key));
    console.log(renderSysctls(values));
    return 0;
  },
});

async function restore(): Promise<number> {
  const restored = await restoreHostSysctls();
  if (restored.length === 0) console.error("nothing to put back");
  tellRestored(restored);
  return 0;
}

/** What `deno task` runs ahead of the tools that may not change sysctls themselves. A bench that is alive keeps its own. */
async function restoreFirst(): Promise<number> {
  try {
    tellRestored(await restoreHostSysctls());
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
export function renderSysctls(values: readonly (string | null)[]): string {
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

/**
 * What every bench does first: puts back what one that was killed has left, and, for a host lab where that is
 * allowed, takes the right to change the machine's sysctls. No bench measures in a host lab while another one may
 * change them.
 *
 * @returns `undefined` where the machine's sysctls are not to be changed.
 * @throws {SysctlsHeldError} for a host lab while another bench changes the machine's sysctls.
 */
export async function prepareHostSysctls(
  lab: LabChoice,
  allowed: boolean,
): Promise<HostSysctls | undefined> {
  if (lab.kind !== "host" || !allowed) {
    try {
      tellRestored(await restoreHostSysctls());
    } catch (error) {
      if (lab.kind === "host" && error instanceof SysctlsHeldError) throw error;
      if (!(error instanceof SysctlsHeldError)) console.error(messageOf(error));
    }
    return undefined;
  }
  if (Deno.uid() !== 0) {
    throw new UsageError("--allow-host-sysctl needs root: use sudo, or --lab private, which needs none");
  }
  const held = await holdHostSysctls();
  tellRestored(held.left);
  return held;
}

function tellRestored(sysctls: readonly RestoredSysctl[]): void {
  for (const { key, value, restored } of sysctls) {
    console.error(
      restored
        ? `put back ${key} = ${value}, which a bench that was killed had changed`
        : `left ${key} = ${value}: a bench that was killed had changed it, and somebody has again since`,
    );
  }
}

if (import.meta.main) await runAsScript(main);

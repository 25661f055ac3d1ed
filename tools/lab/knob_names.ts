/**
 * Names of sysctls: a typing error is found before anything is measured.
 *
 * @module
 */

import { levenshteinDistance } from "@std/text";
import { TimewaitError } from "../errors.ts";
import type { KnobRequest } from "../scenario/sysctls.ts";
import { REMOVED_SYSCTLS, SYSCTL_FACTS } from "./knob_facts.ts";

/** From this distance on, a name is another one, and no typing error. */
const ANOTHER_FROM = 3;

/** Names that hold that of an interface, and are near to each other: `net.ipv4.conf.eth0.rp_filter`. */
const OF_INTERFACE = /^net\.ipv[46]\.(conf|neigh)\./;

/**
 * Refuses a sysctl that this machine does not have and that is nearly the name of one that it has. Any other
 * that it does not have is measured without, and the report says so: a module may bring it along.
 *
 * @param folder where the machine's sysctls are. Default `/proc/sys`.
 * @throws {TimewaitError} which names the sysctl that was meant.
 */
export async function checkKnobNames(
  requests: readonly Pick<KnobRequest, "key">[],
  folder = "/proc/sys",
): Promise<void> {
  for (const { key } of requests) {
    const known = SYSCTL_FACTS.some((fact) => fact.key === key) || Object.hasOwn(REMOVED_SYSCTLS, key);
    if (known || OF_INTERFACE.test(key) || await exists(`${folder}/${key.replaceAll(".", "/")}`)) continue;
    const names = [...SYSCTL_FACTS.map((fact) => fact.key), ...await namesIn(`${folder}/net`, "net")];
    const near = names.map((name) => ({ name, distance: levenshteinDistance(key, name) }))
      .filter(({ distance }) => distance < ANOTHER_FROM)
      .toSorted((a, b) => a.distance - b.distance);
    if (near.length === 0) continue;
    throw new TimewaitError(
      `takes the sysctls of this machine, and ${key} is none; did you mean ${near[0]!.name}?`,
      {
        field: "sysctls",
      },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, (error) => !(error instanceof Deno.errors.NotFound));
}

/** The names of all sysctls below a folder; of those of interfaces none. */
async function namesIn(folder: string, name: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const inner = `${name}.${entry.name}`;
      if (OF_INTERFACE.test(`${inner}.`)) continue;
      names.push(...entry.isDirectory ? await namesIn(`${folder}/${entry.name}`, inner) : [inner]);
    }
  } catch {
    // Not there, or not for us to read: those that are known remain.
  }
  return names;
}

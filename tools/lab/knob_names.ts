/**
 * Names of sysctls: a typing error is found before anything is measured.
 *
 * @module
 */

import { levenshteinDistance } from "@std/text";
import { TimewaitError } from "../errors.ts";
import type { KnobRequest } from "../scenario/sysctls.ts";
import { REMOVED_SYSCTLS, SYSCTL_FACTS } from "./knob_facts.ts";
import { runCommand } from "./process.ts";

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
  const keys = requests.map(({ key }) => key).filter((key) =>
    !OF_INTERFACE.test(key) && !FACTS.includes(key) && !Object.hasOwn(REMOVED_SYSCTLS, key)
  );
  if (keys.length === 0) return;
  const names = await namesIn(folder);
  for (const key of keys.filter((key) => !names.includes(key))) {
    const near = [...FACTS, ...names].filter((name) => !OF_INTERFACE.test(name))
      .map((name) => ({ name, distance: levenshteinDistance(key, name) }))
      .filter(({ distance }) => distance < ANOTHER_FROM)
      .toSorted((a, b) => a.distance - b.distance);
    if (near.length === 0) continue;
    throw new TimewaitError(
      `takes the sysctls of this machine, and ${key} is none; did you mean ${near[0]!.name}?`,
      { field: "sysctls" },
    );
  }
}

const FACTS = SYSCTL_FACTS.map(({ key }) => key);

/**
 * The names of all sysctls below `net`, by a child: Deno itself reads /proc only with every permission. Empty
 * where they cannot be listed.
 */
async function namesIn(folder: string): Promise<string[]> {
  const text = await runCommand(["find", `${folder}/net`, "-type", "f"]).catch(() => "");
  return text.split("\n").map((path) => path.slice(folder.length + 1).replaceAll("/", "."));
}

/**
 * Whether a party's host was watched: of one that was not, nothing is known, and its figures are 0.
 *
 * @module
 */

import type { Environment } from "../results/results.ts";
import type { HostName } from "../scenario/host_names.ts";

/** Whether the host of a party was watched. */
export function isWatched({ notWatched = [] }: Pick<Environment, "notWatched">, party: HostName): boolean {
  return !notWatched.includes(party);
}

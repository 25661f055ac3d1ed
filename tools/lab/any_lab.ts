/**
 * What labs of our own and labs of given hosts have in common.
 *
 * @module
 */

import type { HostName } from "../scenario/host_names.ts";
import type { Host } from "./host.ts";
import type { Lab, LabKind } from "./lab.ts";
import type { RemoteLab } from "./remote/remote_lab.ts";

/** A lab of our own, or hosts that are given. */
export type AnyLab = Lab | RemoteLab;

/** The hosts of a party: none where it is not watched, and several clients where there are several. */
export function hostsOf(lab: AnyLab, name: HostName): readonly Host[] {
  if (lab.kind !== "remote") return [lab[name]];
  if (name === "client") return lab.clients;
  const host = lab[name];
  return host === undefined ? [] : [host];
}

/** Whether each party has TCP tables of its own in such a lab, so that all in them is told apart by host. */
export function hasOwnTables(kind: LabKind): boolean {
  return kind === "private" || kind === "remote";
}

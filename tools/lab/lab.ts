/**
 * A lab: the client, the gateway and the backend as hosts, as one disposable thing.
 *
 * @module
 */

import { type HostName } from "../scenario/host_names.ts";
import { type Host } from "./host.ts";

/**
 * - `private`: three network namespaces of one user namespace, joined by veth links. Nothing of the machine's own
 *   network is touched, and each host has TCP tables of its own.
 * - `host`: all three on the machine's loopback, with one TCP table for all.
 * - `loopback`: all three on the loopback of one network namespace of their own: like `host`, and the machine is not
 *   touched.
 */
export type LabKind = "private" | "host" | "loopback";

/**
 * Three hosts and the links between them. Disposing it ends every process in it, and the hosts; in a host lab the same object stands
 * under all three names.
 */
export interface Lab extends AsyncDisposable, Readonly<Record<HostName, Host>> {
  /** Tells whether each host has TCP tables of its own (`private`) or all share the machine's (`host`). */
  readonly kind: LabKind;
  /**
   * Makes a host anew, so that no socket of what ran there is left: not in TIME_WAIT, not at all. What still runs there is cut off.
   * Left out where hosts share their tables.
   */
  renew?(name: HostName): Promise<void>;
}

/** Which kind of lab is used, and why it is not the private one. */
export interface LabChoice {
  /** What is to be opened. */
  readonly kind: LabKind;
  /** For a lab that was not asked for: what stands in the way of the private one, and what would permit it. */
  readonly reason?: string;
}

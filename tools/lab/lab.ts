/**
 * A lab: the client, the gateway and the backend as hosts, as one disposable thing.
 *
 * @module
 */

import { type HostName } from "../scenario/host_names.ts";
import { type LocalHost } from "./host.ts";

/**
 * - `private`: three network namespaces of one user namespace, joined by veth links. Nothing of the machine's
 *   own network is touched, and each host has TCP tables of its own.
 * - `host`: all three on the machine's loopback, with one TCP table for all.
 * - `loopback`: all three on the loopback of one network namespace of their own: like `host`, and the machine
 *   is not touched.
 */
export type LocalLabKind = "private" | "host" | "loopback";

/** A kind of lab: one on this machine, or `remote`: hosts of the user's, wherever they are. */
export type LabKind = LocalLabKind | "remote";

/**
 * Three hosts and the links between them. Disposing it ends every process in it, and the hosts. Where the
 * hosts share their tables, the same object stands under all three names.
 */
export interface Lab extends AsyncDisposable, Readonly<Record<HostName, LocalHost>> {
  /** Whether each host has TCP tables of its own (`private`), or all share one (`host`, `loopback`). */
  readonly kind: LocalLabKind;
  /**
   * Makes a host anew: no socket of what ran there is left, in TIME_WAIT or in any other state. Its sysctls
   * stay as they are set. What still runs there is cut off. Left out where hosts share their tables.
   *
   * @throws {Error} where the kernel refuses; the host is of no use any more then.
   */
  renew?(name: HostName): Promise<void>;
}

/** The kind of lab that is used, and why it is not the private one. */
export interface LabChoice {
  /** The kind. */
  readonly kind: LabKind;
  /** Where a private lab would have been preferred: what stands in its way, and what would permit it. */
  readonly reason?: string;
}

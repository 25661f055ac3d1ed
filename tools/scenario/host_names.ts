/**
 * The names of the three hosts.
 *
 * @module
 */

/** The three places of a lab. */
export type HostName = "client" | "gateway" | "backend";

/** The hosts of a lab in the order in which a request passes them. */
export const HOST_NAMES: readonly HostName[] = ["client", "gateway", "backend"];

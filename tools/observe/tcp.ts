/**
 * The kernel's TCP tables and counters, as /proc/net shows them.
 *
 * @module
 */

export * from "./tcp_counters.ts";
export * from "./tcp_table.ts";

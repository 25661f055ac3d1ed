/**
 * The kernel's tables and counters of TCP, as they stand in /proc/net.
 *
 * @module
 */

export * from "./tcp_counters.ts";
export * from "./tcp_table.ts";

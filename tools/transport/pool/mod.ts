/**
 * A connection pool with the limits and the semantics of Go's `http.Transport`, and counters that say why each connection was
 * closed. It knows no HTTP: what it keeps is up to its dialer.
 *
 * @module
 */

export * from "./limits.ts";
export * from "./pool.ts";
export * from "./counters.ts";

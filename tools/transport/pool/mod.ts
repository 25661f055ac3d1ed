/**
 * A connection pool with the limits and the semantics of Go's `http.Transport`, and counters that say why
 * each connection was closed. The pool knows no HTTP: its dialer decides what a connection is.
 *
 * @module
 */

export * from "./limits.ts";
export * from "./pool.ts";
export * from "./counters.ts";

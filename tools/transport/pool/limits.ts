/**
 * The limits of a connection pool, by the names of Go's `http.Transport`.
 *
 * @module
 */

import { TimewaitError } from "../../errors.ts";

/** The limits of a connection pool, by the names of Go's `http.Transport`. */
export interface PoolLimits {
  /** Idle connections kept for all hosts together. 0 means no limit, as in Go. Default 100. */
  readonly maxIdleConns?: number | undefined;
  /** Idle connections kept for one host. 0 keeps none (in Go it means the default). Default 2. */
  readonly maxIdleConnsPerHost?: number | undefined;
  /**
   * Connections to one host: dialing, in use and idle. At the limit, requests wait in a queue. 0 means no
   * limit, as in Go. Default 0.
   */
  readonly maxConnsPerHost?: number | undefined;
  /** How long a connection may stay idle before it is closed. 0 means no limit, as in Go. Default 90,000. */
  readonly idleConnTimeoutMs?: number | undefined;
  /**
   * Whether every connection is used for one request only; `Connection: close` tells the upstream. Default
   * false.
   */
  readonly disableKeepAlives?: boolean | undefined;
}

/** {@linkcode PoolLimits} with every default filled in. */
export type ResolvedPoolLimits = { readonly [K in keyof PoolLimits]-?: NonNullable<PoolLimits[K]> };

/**
 * Fills in the defaults of Go's `http.DefaultTransport`.
 *
 * @throws {TimewaitError} for a limit that is not a whole number of at least 0.
 */
export function resolvePoolLimits(limits: PoolLimits = {}): ResolvedPoolLimits {
  const resolved = {
    maxIdleConns: limits.maxIdleConns ?? 100,
    maxIdleConnsPerHost: limits.maxIdleConnsPerHost ?? 2,
    maxConnsPerHost: limits.maxConnsPerHost ?? 0,
    idleConnTimeoutMs: limits.idleConnTimeoutMs ?? 90_000,
    disableKeepAlives: limits.disableKeepAlives ?? false,
  };
  for (const name of ["maxIdleConns", "maxIdleConnsPerHost", "maxConnsPerHost"] as const) {
    if (!Number.isInteger(resolved[name]) || resolved[name] < 0) {
      throw new TimewaitError(`must be a whole number of at least 0, not ${resolved[name]}`, { field: name });
    }
  }
  if (!(resolved.idleConnTimeoutMs >= 0)) {
    throw new TimewaitError(`must be at least 0, not ${resolved.idleConnTimeoutMs}`, {
      field: "idleConnTimeoutMs",
    });
  }
  return resolved;
}

/**
 * Says how many connections are kept if the two limits of idle connections contradict each other; `undefined`
 * if they do not.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { poolWarning, resolvePoolLimits } from "./limits.ts";
 *
 * const warning = poolWarning(resolvePoolLimits({ maxIdleConns: 100, maxIdleConnsPerHost: 200 }));
 * assertStringIncludes(warning!, "100 idle connections are kept");
 * ```
 */
export function poolWarning(limits: ResolvedPoolLimits): string | undefined {
  const { maxIdleConns, maxIdleConnsPerHost, disableKeepAlives } = limits;
  if (disableKeepAlives || maxIdleConns === 0 || maxIdleConnsPerHost <= maxIdleConns) return undefined;
  return `maxIdleConnsPerHost ${maxIdleConnsPerHost} is above maxIdleConns ${maxIdleConns}: ` +
    `${maxIdleConns} idle connections are kept in all, never ${maxIdleConnsPerHost} for one host; ` +
    `set maxIdleConns to at least ${maxIdleConnsPerHost} (0 is no limit)`;
}

/** Makes the counts that pools in several threads share, for a number of hosts. */
export function sharedIdleCounts(hosts: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * (hosts + 1)));
}

/**
 * The flags of the `net-http` transport on the command lines of the gateway and of bench, and what the gateway prints.
 *
 * @module
 */

import { parseDurationMs, parseWhole, switchFlag, UsageError, valueFlag } from "./command_line.ts";
import type { PoolLimits } from "../transport/pool/limits.ts";
import { describeClosed } from "../transport/pool/counters.ts";
import type { ProxyCounters } from "../transport/net_http/proxy.ts";
import type { ProxyTimeoutOptions } from "../transport/net_http/proxy_context.ts";

/** The flags of its pool, by name. */
export const POOL_FLAGS = {
  maxIdleConns: valueFlag(
    "N",
    "net-http: idle connections kept in all, 0 for no limit (default 100)",
    parseWhole(0),
    undefined,
  ),
  maxIdleConnsPerHost: valueFlag(
    "N",
    "net-http: idle connections kept for each upstream (default 2)",
    parseWhole(0),
    undefined,
  ),
  maxConnsPerHost: valueFlag(
    "N",
    "net-http: connections to each upstream, 0 for no limit (default 0)",
    parseWhole(0),
    undefined,
  ),
  idleConnTimeout: valueFlag(
    "DURATION",
    "net-http: how long to keep one idle, 0 for ever (default 90s)",
    parseDurationMs,
    undefined,
  ),
  disableKeepAlives: switchFlag("net-http: use each connection once"),
} as const;

/** All flags by name. */
export const NET_HTTP_FLAGS = {
  ...POOL_FLAGS,
  dialTimeout: valueFlag(
    "DURATION",
    "net-http: for a connection, a wait in line for it included; then 504 (default 5s)",
    parseDurationMs,
    undefined,
  ),
  responseHeaderTimeout: valueFlag(
    "DURATION",
    "net-http: then 504 (default 60s)",
    parseDurationMs,
    undefined,
  ),
  requestHeaderTimeout: valueFlag("DURATION", "net-http: then 408 (default 5s)", parseDurationMs, undefined),
} as const;

/** The values of {@linkcode NET_HTTP_FLAGS}. */
export interface NetHttpFlagValues {
  /** `--max-idle-conns` */
  readonly maxIdleConns: number | undefined;
  /** `--max-idle-conns-per-host` */
  readonly maxIdleConnsPerHost: number | undefined;
  /** `--max-conns-per-host` */
  readonly maxConnsPerHost: number | undefined;
  /** `--idle-conn-timeout`, in milliseconds */
  readonly idleConnTimeout: number | undefined;
  /** `--disable-keep-alives` */
  readonly disableKeepAlives: boolean;
  /** `--dial-timeout`, in milliseconds */
  readonly dialTimeout: number | undefined;
  /** `--response-header-timeout`, in milliseconds */
  readonly responseHeaderTimeout: number | undefined;
  /** `--request-header-timeout`, in milliseconds */
  readonly requestHeaderTimeout: number | undefined;
}

/** What the flags mean to the transport. */
export function netHttpOptionsOf(flags: NetHttpFlagValues): {
  pool: PoolLimits;
  timeouts: ProxyTimeoutOptions;
} {
  const { maxIdleConns, maxIdleConnsPerHost, maxConnsPerHost, disableKeepAlives } = flags;
  return {
    pool: {
      maxIdleConns,
      maxIdleConnsPerHost,
      maxConnsPerHost,
      idleConnTimeoutMs: flags.idleConnTimeout,
      disableKeepAlives,
    },
    timeouts: {
      dialMs: flags.dialTimeout,
      responseHeadMs: flags.responseHeaderTimeout,
      requestHeadMs: flags.requestHeaderTimeout,
    },
  };
}

/**
 * Refuses the flags of another transport.
 *
 * @throws {UsageError} for the first one that was given.
 */
export function refuseFlagsOf(transport: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === false) continue;
    const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(
      `--${flag} is for the transport ${transport}: give --transport ${transport}, or leave it out`,
    );
  }
}

/**
 * The counters in two lines: one for people, that names why connections were closed, and one of JSON behind the word `counters`.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { PoolLedger } from "../transport/pool/counters.ts";
 * import { renderCounters } from "./net_http_flags.ts";
 *
 * const ledger = new PoolLedger();
 * ledger.dialed = 5801;
 * for (let i = 0; i < 5400; i++) ledger.closedFor("tooManyIdle");
 * const text = renderCounters({ requests: 20_000, resent: 0, pool: ledger.snapshot() });
 * assertStringIncludes(text, "opened 5801 connections for 20000 requests: 5400 closed because the pool was full (maxIdleConns)");
 * ```
 */
export function renderCounters(counters: ProxyCounters): string {
  const { pool, requests } = counters;
  const reasons = describeClosed(pool.closed);
  const opened = `opened ${pool.dialed} connections for ${requests} requests`;
  return [[opened, reasons.join(", ")].filter(Boolean).join(": "), `counters ${JSON.stringify(counters)}`]
    .join("\n");
}

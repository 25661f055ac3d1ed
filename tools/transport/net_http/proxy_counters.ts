/**
 * The counters of a proxy, as its gateway prints them.
 *
 * @module
 */

import { describeClosed } from "../pool/counters.ts";
import type { ProxyCounters } from "./proxy.ts";

/**
 * Renders the counters in two lines: one for people, which says why connections were closed, and one of JSON
 * behind the word `counters`.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { PoolLedger } from "../pool/counters.ts";
 * import { renderCounters } from "./proxy_counters.ts";
 *
 * const ledger = new PoolLedger();
 * ledger.dialed = 5801;
 * for (let i = 0; i < 5400; i++) ledger.closedFor("tooManyIdle");
 * const text = renderCounters({ requests: 20_000, resent: 0, pool: ledger.snapshot() });
 * assertStringIncludes(text, "opened 5801 connections for 20000 requests: 5400 closed");
 * ```
 */
export function renderCounters(counters: ProxyCounters): string {
  const { pool, requests } = counters;
  const reasons = describeClosed(pool.closed);
  const opened = `opened ${pool.dialed} connections for ${requests} requests`;
  return [[opened, reasons.join(", ")].filter(Boolean).join(": "), `counters ${JSON.stringify(counters)}`]
    .join("\n");
}

/**
 * The flags of a load, by the names of its options.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { REQUEST_METHODS } from "../scenario/resolve_requests.ts";
import type { Burst, Load } from "../scenario/scenario.ts";
import { listFlag, type Options, valueFlag } from "./command.ts";
import { parseBytes, parseChoice, parseDurationMs, parseShare, parseText, parseWhole } from "./values.ts";

/** The flags. */
export const LOAD_FLAGS = {
  connections: valueFlag(
    "N",
    "connections kept open, each with one request in flight (default 1000)",
    parseWhole(1),
    undefined,
  ),
  threads: valueFlag(
    "N",
    "threads of wrk, which must divide the connections (default: at most 2)",
    parseWhole(1),
    undefined,
  ),
  duration: valueFlag(
    "DURATION",
    "length of each repetition's load (default 2s)",
    parseDurationMs,
    undefined,
  ),
  warmUp: valueFlag(
    "DURATION",
    "warm-up before each repetition, not counted; 0 for none (default 1s)",
    parseDurationMs,
    undefined,
  ),
  timeout: valueFlag(
    "DURATION",
    "time after which an answer counts as failed (default 2s)",
    parseDurationMs,
    undefined,
  ),
  rate: valueFlag(
    "N",
    "requests a second of an open loop, sent whether or not earlier ones were answered (default: a closed loop)",
    parseWhole(1),
    undefined,
  ),
  burst: valueFlag(
    "ON/OFF",
    "load with pauses: requests for ON, then none for OFF, such as 1s/500ms (default: no pauses)",
    parseBurst,
    undefined,
  ),
  requestMethod: valueFlag(
    "METHOD",
    "method of each request: GET, POST, PUT, PATCH or DELETE (default GET; with --request-body POST)",
    parseChoice(REQUEST_METHODS),
    undefined,
  ),
  requestBody: valueFlag("SIZE", "size of each request's body (default none)", parseBytes, undefined),
  abandon: valueFlag(
    "SHARE",
    "share of an open loop's requests whose client leaves before the answer, such as 1% (default none)",
    parseShare,
    undefined,
  ),
  abandonAfter: valueFlag(
    "DURATION",
    "time after which such a client leaves (default 50ms)",
    parseDurationMs,
    undefined,
  ),
  script: valueFlag("FILE", "Lua script for wrk", parseText, undefined),
  header: listFlag(
    "HEADER",
    'header line of each request, "Name: value"; a Host takes the place of the address',
    parseText,
  ),
} as const;

/** The load that the flags describe. */
export function loadOf({ header, requestMethod: method, ...options }: Options<typeof LOAD_FLAGS>): Load {
  return { ...options, method, headers: header.length === 0 ? undefined : header };
}

/** Takes `ON/OFF`: `1s/500ms`. */
function parseBurst(text: string, field: string): Burst {
  const parts = text.split("/");
  if (parts.length !== 2) {
    throw new TimewaitError(`takes two durations such as 1s/500ms, not "${text}"`, { field });
  }
  const [on, off] = parts as [string, string];
  return { on: parseDurationMs(on, field), off: parseDurationMs(off, field) };
}

/**
 * The flags of a load, by the names of its options.
 *
 * @module
 */

import type { Load } from "../scenario/scenario.ts";
import { listFlag, type Options, valueFlag } from "./command.ts";
import { parseDurationMs, parseText, parseWhole } from "./values.ts";

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
  script: valueFlag("FILE", "Lua script for wrk", parseText, undefined),
  header: listFlag(
    "HEADER",
    'header line of each request, "Name: value"; a Host takes the place of the address',
    parseText,
  ),
} as const;

/** The load that the flags describe. */
export function loadOf({ header, ...options }: Options<typeof LOAD_FLAGS>): Load {
  return { ...options, headers: header.length === 0 ? undefined : header };
}

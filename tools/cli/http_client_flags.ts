/**
 * The flags of the `http-client` transport on the command lines of the gateway and of bench.
 *
 * @module
 */

import { parseDurationMs, parseWhole, valueFlag } from "./command_line.ts";

/** The flags by name. */
export const HTTP_CLIENT_FLAGS = {
  poolMaxIdlePerHost: valueFlag(
    "N",
    "http-client: idle connections to keep, 0 for none (default: no limit)",
    parseWhole(0),
    undefined,
  ),
  poolIdleTimeout: valueFlag(
    "DURATION",
    "http-client: how long to keep one idle, 0 to keep none (default 90s)",
    parseDurationMs,
    undefined,
  ),
} as const;

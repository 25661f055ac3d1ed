/**
 * The flags of a backend, by the names of its options.
 *
 * @module
 */

import { valueFlag } from "./command.ts";
import { parseBytes, parseDurationMs, parseWhole } from "./values.ts";

/** The flags. */
export const BACKEND_FLAGS = {
  latency: valueFlag(
    "DURATION",
    "latency the backend adds to each answer (default 0)",
    parseDurationMs,
    undefined,
  ),
  bodyBytes: valueFlag(
    "SIZE",
    "size of each answer's body, up to 256MiB (default 12)",
    parseBytes,
    undefined,
  ),
  status: valueFlag("N", "status of each answer, 200 to 599 (default 200)", parseWhole(200, 599), undefined),
} as const;

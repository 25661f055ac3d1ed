/**
 * Durations and sizes: numbers in the unit that an option documents, or text with its unit.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { shown } from "./check.ts";

/** A duration: a number of milliseconds, or text such as `"70ms"`, `"10s"`, `"2m"`, `"1h"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h"}`;

/** A size: a number of bytes, or text such as `"512B"`, `"64KiB"`, `"2MB"`. */
export type Size = number | `${number}${"B" | "KiB" | "MiB" | "GiB" | "kB" | "MB" | "GB"}`;

/** A day: longer than any bench, and within what timers can hold. */
const MAX_DURATION_MS = 86_400_000;

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * A duration in milliseconds, up to 24 hours. Text needs its unit: ms, s, m or h; only `"0"` needs none.
 *
 * @throws {TimewaitError} for anything else.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDurationMs } from "./units.ts";
 *
 * assertEquals(parseDurationMs("70ms", "latency"), 70);
 * assertEquals(parseDurationMs("1.5s", "latency"), 1500);
 * assertEquals(parseDurationMs(70, "latency"), 70);
 * ```
 */
export function parseDurationMs(given: Duration | string, field: string): number {
  const ms = typeof given === "number" ? given : typeof given === "string" ? msOfText(given) : NaN;
  if (!(ms >= 0)) {
    throw new TimewaitError(`takes a duration such as 500ms, 10s or 2m, not ${shown(given)}`, { field });
  }
  if (ms > MAX_DURATION_MS) {
    const unit = typeof given === "number" ? "ms" : "";
    throw new TimewaitError(`takes at most 24h, not ${given}${unit}`, { field });
  }
  // Zero without a sign, as JSON has it.
  return ms + 0;
}

function msOfText(text: string): number {
  if (text === "0") return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  return match === null ? NaN : Number(match[1]) * MS_PER_UNIT[match[2]!]!;
}

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/**
 * A size in bytes: a whole number; as text with B, KiB, MiB, GiB, kB, MB or GB behind it if wanted.
 *
 * @throws {TimewaitError} for anything else.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseBytes } from "./units.ts";
 *
 * assertEquals(parseBytes("64KiB", "bodyBytes"), 65_536);
 * assertEquals(parseBytes("2MB", "bodyBytes"), 2_000_000);
 * ```
 */
export function parseBytes(given: Size | string, field: string): number {
  const match = /^(\d+)(B|KiB|MiB|GiB|kB|MB|GB)?$/.exec(typeof given === "object" ? "" : String(given));
  const bytes = match === null ? NaN : Number(match[1]) * BYTES_PER_UNIT[match[2] ?? ""]!;
  if (!Number.isSafeInteger(bytes)) {
    throw new TimewaitError(`takes a size such as 512, 64KiB or 32MiB, not ${shown(given)}`, { field });
  }
  return bytes;
}

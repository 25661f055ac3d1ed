/**
 * The resolver's part for what a load's requests are and when they are sent: bursts, method, body, and
 * clients that leave.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { at, optionsOf, refuseOthers, shown } from "./check.ts";
import type { BurstPlan, LoadPlan } from "./plan.ts";
import { shareOf } from "./resolve_backend.ts";
import type { Burst, Load, RequestMethod } from "./scenario.ts";
import { parseBytes, parseDurationMs } from "./units.ts";

/** The methods that a load can use. */
export const REQUEST_METHODS: readonly RequestMethod[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** A body of that size is in the memory of each thread of the load. */
const MOST_BODY_BYTES = 16 * 1024 ** 2;

/** The options of a load that {@linkcode resolveRequests} resolves. */
export type RequestOptions = Pick<Load, "burst" | "method" | "requestBody" | "abandon" | "abandonAfter">;

/**
 * Resolves what the requests of a load are, and when they are sent.
 *
 * @throws {TimewaitError} for a value that does not fit.
 */
export function resolveRequests(
  { burst, method, requestBody, abandon, abandonAfter }: RequestOptions,
  field: string,
): Pick<LoadPlan, "burst" | "method" | "requestBodyBytes" | "abandon"> {
  const bytes = requestBody === undefined ? undefined : parseBytes(requestBody, at(field, "requestBody"));
  if (bytes !== undefined && bytes > MOST_BODY_BYTES) {
    throw new TimewaitError(`takes at most 16MiB, not ${shown(requestBody)}`, {
      field: at(field, "requestBody"),
    });
  }
  const chosen = method ?? (bytes === undefined ? "GET" : "POST");
  if (!REQUEST_METHODS.includes(chosen)) {
    throw new TimewaitError(`takes ${REQUEST_METHODS.join(", ")}, not ${shown(method)}`, {
      field: at(field, "method"),
    });
  }
  const share = abandon === undefined ? 0 : shareOf(abandon, at(field, "abandon"));
  if (abandon === undefined && abandonAfter !== undefined) {
    throw new TimewaitError("is when the clients leave that abandon is the share of: give abandon besides", {
      field: at(field, "abandonAfter"),
    });
  }
  const afterMs = parseDurationMs(abandonAfter ?? "50ms", at(field, "abandonAfter"));
  return {
    ...(burst === undefined ? {} : { burst: resolveBurst(burst, at(field, "burst")) }),
    ...(chosen === "GET" ? {} : { method: chosen }),
    ...(bytes === undefined ? {} : { requestBodyBytes: bytes }),
    ...(share === 0 ? {} : { abandon: { share, afterMs } }),
  };
}

function resolveBurst(burst: Burst, field: string): BurstPlan {
  const { on, off, ...others } = optionsOf(burst, field);
  refuseOthers(others, { on, off }, field);
  // The field is the burst, which is what the command line has a flag for.
  const ms = (value: Burst["on"], name: string) => {
    const given = parseDurationMs(value, field);
    // The shortest pause that the timers of all generators keep.
    if (given >= LEAST_MS) return given;
    throw new TimewaitError(`takes at least ${LEAST_MS}ms for ${name}, not ${shown(value)}`, { field });
  };
  return { onMs: ms(on, "on"), offMs: ms(off, "off") };
}

const LEAST_MS = 10;

/** How much of a time requests are sent in, in milliseconds: all of it for a load without pauses. */
export function sendingMs(durationMs: number, burst: BurstPlan | undefined): number {
  if (burst === undefined) return durationMs;
  const { onMs, offMs } = burst;
  const whole = Math.floor(durationMs / (onMs + offMs));
  return whole * onMs + Math.min(onMs, durationMs - whole * (onMs + offMs));
}

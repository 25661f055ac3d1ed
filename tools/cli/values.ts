/**
 * Parsers of the values that flags take.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { shown } from "../scenario/check.ts";
import { type KnobRequest, parseKnob } from "../scenario/sysctls.ts";
import { parseBytes, parseDurationMs } from "../scenario/units.ts";
import { type ListenAddress, parseListen } from "../server/address.ts";

export { parseBytes, parseDurationMs, parseListen };

/** Takes any text but an empty one. */
export function parseText(text: string, name: string): string {
  if (text === "") throw new TimewaitError("needs a value", { field: name });
  return text;
}

/** A parser for one of a few words. */
export function parseChoice<const W extends string>(words: readonly W[]): (text: string, name: string) => W {
  return (text, name) => {
    const found = words.find((word) => word === text);
    if (found === undefined) {
      throw new TimewaitError(`takes ${words.join(", ")}, not "${text}"`, { field: name });
    }
    return found;
  };
}

/** A parser for a whole number of at least `least`. */
export function parseWhole(
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): (text: string, name: string) => number {
  return (text, name) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most)) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
      throw new TimewaitError(`takes a whole number ${range}, not "${text}"`, { field: name });
    }
    return value;
  };
}

/** A parser that takes `none` besides, which is `false`: no limit. */
export function orNone<T>(
  parse: (text: string, name: string) => T,
): (text: string, name: string) => T | false {
  return (text, name) => text === "none" ? false : parse(text, name);
}

/** Parses the plan that a process of ours hands to another one, resolved already. */
export function parsePlan<T extends { readonly listen: ListenAddress }>(text: string, field: string): T {
  let plan: unknown;
  try {
    plan = JSON.parse(text);
  } catch {
    // Told below, as what is JSON and no plan.
  }
  if (typeof plan !== "object" || plan === null || !("listen" in plan)) {
    throw new TimewaitError(`takes a plan as JSON, not ${shown(text)}`, { field });
  }
  return plan as T;
}

/** Takes `KEY=VALUE` or `HOST:KEY=VALUE`. */
export function parseSysctl(text: string, field: string): KnobRequest {
  const at = text.indexOf("=");
  if (at < 0) {
    throw new TimewaitError(
      `takes KEY=VALUE such as net.ipv4.tcp_tw_reuse=0, not ${shown(text)}, which has no =`,
      { field },
    );
  }
  return parseKnob(text.slice(0, at), text.slice(at + 1), field);
}

/**
 * A share as people write it: `3%` is 0.03.
 *
 * @throws {TimewaitError} for what is no percentage above 0.
 */
export function parseShare(text: string, field: string): number {
  const percent = /^\d+(?:\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : 0;
  if (!(percent > 0)) throw new TimewaitError(`takes a percentage such as 3%, not "${text}"`, { field });
  return percent / 100;
}

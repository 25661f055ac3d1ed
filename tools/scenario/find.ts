/**
 * What a bisection looks for: the most connections that a pool holds, or the highest rate that keeps what
 * was promised.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { Amount } from "../figures.ts";
import { shown } from "./check.ts";
import { settingValue } from "./settings.ts";
import { parseDurationMs } from "./units.ts";

/** The latencies that a promise may be about. */
const LATENCIES: readonly Promised["figure"][] = ["mean", "p50", "p75", "p90", "p99", "p999", "max"];

/** One condition of a promise. */
export interface Promised {
  /** A latency of the load, or the share of requests that failed. */
  readonly figure: "mean" | "p50" | "p75" | "p90" | "p99" | "p999" | "max" | "errors";
  /** The most that it may be: milliseconds of a latency; of errors a share, between 0 and 1. */
  readonly most: Amount;
}

/** What is looked for. */
export interface FindPlan {
  /** The field of the load that is varied. */
  readonly name: "connections" | "ratePerSec";
  /** The lowest value that is tried. */
  readonly low: Amount;
  /** The highest value that is tried. */
  readonly high: Amount;
  /** What must hold at a rate. Empty for connections, of which the pool must open no new ones. */
  readonly promised: readonly Promised[];
}

/** The rates that are tried where none are named, a second. Our open loop makes no more on two CPUs. */
const RATES = { low: 50, high: 40_000 };

/**
 * Parses what to find: `connections` or `rate`, with the range to look in if wanted: `rate=500..4000`.
 * Without a range it is up to the connections of the load; rates are from 50 to 40,000 a second.
 *
 * @param connections those of the load: the most that are tried where no range is given.
 * @param slo what must hold at a rate, as {@linkcode parsePromises} takes it.
 * @throws {TimewaitError} for anything else, for a rate without a promise, and for connections with one.
 */
export function parseFind(
  text: string,
  { connections, slo }: { readonly connections: number; readonly slo?: string | undefined },
): FindPlan {
  const field = "find";
  const [, name, range] = /^(\w+)(?:=(.*))?$/.exec(text) ?? [];
  if (name !== "connections" && name !== "rate") {
    throw new TimewaitError(
      `takes connections or rate, with a range if wanted: rate=500..4000; not ${shown(text)}`,
      {
        field,
      },
    );
  }
  const byDefault = name === "rate" ? RATES : { low: 1, high: connections };
  const { low, high } = range === undefined ? byDefault : rangeOf(name, range);
  if (!(high > low)) {
    throw new TimewaitError(
      `needs more than one value to look in, not ${low} to ${high}: give ${name}=1..1000`,
      {
        field,
      },
    );
  }
  if (name === "rate" && slo === undefined) {
    throw new TimewaitError(
      "of a rate needs what must hold there, the SLO, such as p99<=200ms,errors<=0.1%",
      {
        field,
      },
    );
  }
  if (name === "connections" && slo !== undefined) {
    throw new TimewaitError("is for a rate: connections hold where the pool opens no new ones", {
      field: "slo",
    });
  }
  return {
    name: name === "rate" ? "ratePerSec" : "connections",
    low,
    high,
    promised: slo === undefined ? [] : parsePromises(slo),
  };
}

function rangeOf(name: string, range: string): { readonly low: number; readonly high: number } {
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(range) ?? [];
  if (first === undefined || last === undefined) {
    throw new TimewaitError(`takes a range such as ${name}=100..5000, not ${shown(range)}`, {
      field: "find",
    });
  }
  try {
    return { low: settingValue(name, first).value, high: settingValue(name, last).value };
  } catch (error) {
    if (!(error instanceof TimewaitError)) throw error;
    throw new TimewaitError(`${name}=${range}: ${error.problem}`, { field: "find", cause: error });
  }
}

/**
 * Parses a promise: conditions that must all hold, separated by commas.
 *
 * @throws {TimewaitError} for anything else.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parsePromises } from "./find.ts";
 *
 * assertEquals(parsePromises("p99<=200ms,errors<=0.1%"), [
 *   { figure: "p99", most: 200 },
 *   { figure: "errors", most: 0.001 },
 * ]);
 * ```
 */
export function parsePromises(text: string): Promised[] {
  const field = "slo";
  const promised = text.split(",").map((part): Promised => {
    const [, figure, most] = /^\s*([\w.]+)\s*<=\s*(\S+)\s*$/.exec(part) ?? [];
    if (figure === "errors") {
      const percent = /^(\d+(?:\.\d+)?)%$/.exec(most!)?.[1];
      if (percent === undefined || Number(percent) > 100) {
        throw new TimewaitError(`takes errors as a percentage: errors<=0.1%, not ${shown(part)}`, { field });
      }
      // Through text, because 0.1 / 100 is not 0.001.
      return { figure, most: Number(`${percent}e-2`) };
    }
    const latency = LATENCIES.find((name) => name === figure?.replace(/^p99\.9$/, "p999"));
    if (latency === undefined) {
      throw new TimewaitError(
        `takes conditions such as p99<=200ms,errors<=0.1%, of ${LATENCIES.join(", ")} and errors; not ${
          shown(part)
        }`,
        { field },
      );
    }
    return { figure: latency, most: parseDurationMs(most!, field) };
  });
  const twice = promised.find(({ figure }, i) => promised.findIndex((one) => one.figure === figure) !== i);
  if (twice !== undefined) throw new TimewaitError(`says ${twice.figure} twice`, { field });
  return promised;
}

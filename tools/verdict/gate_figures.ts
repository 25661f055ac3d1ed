/**
 * The figures of a repetition by the names that gates use.
 *
 * @module
 */

import { type Measured, servedPerSec } from "../results/results.ts";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";

/**
 * A repetition's figure by its name; `undefined` where there is none of that name, or it was not measured.
 *
 * `requestsPerSec` is what reports compare: requests answered in time with 2xx or 3xx. A gateway that answers
 * nothing but errors is fast, and a gate on what it answers would hold.
 */
export function figureOf(repetition: Measured, figure: string): number | undefined {
  if (figure === "requestsPerSec") return servedPerSec(repetition);
  const path = figure.split(".");
  for (const root of [repetition, repetition.hosts] as unknown[]) {
    const value = path.reduce<unknown>((at, key) => ownProperty(at, key), root);
    if (typeof value === "number") return value;
  }
  return undefined;
}

/** The party of whose host a figure tells; `undefined` for a figure of the load or of the processes. */
export function partyOf(figure: string): HostName | undefined {
  const [first] = figure.replace(/^hosts\./, "").split(".");
  if (first === "sides" || first === "reuseRatio") return "gateway";
  return HOST_NAMES.find((name) => name === first);
}

function ownProperty(at: unknown, key: string): unknown {
  const isRecord = typeof at === "object" && at !== null && !Array.isArray(at) && Object.hasOwn(at, key);
  return isRecord ? (at as Record<string, unknown>)[key] : undefined;
}

/** Whether a repetition has a figure of this name, one that could not be measured included. */
export function hasFigure(repetition: Measured, figure: string): boolean {
  return figureNames(repetition).includes(figure) || figureOf(repetition, figure) !== undefined;
}

/** The names of all figures of a repetition; its series are no figures. */
export function figureNames({ samples: _, latencyHistogram: __, ...figures }: Measured): string[] {
  const names = (value: unknown, path: string): string[] =>
    typeof value === "number" || value === null
      ? [path]
      : Array.isArray(value) || typeof value !== "object"
      ? []
      : Object.entries(value).flatMap(([key, inner]) => names(inner, path === "" ? key : `${path}.${key}`));
  return names(figures, "").map((name) => name.replace(/^hosts\./, ""));
}

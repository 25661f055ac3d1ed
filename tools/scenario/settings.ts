/**
 * The numeric settings of load, backend and gateway, by the names of their options: what a sweep may vary,
 * and what a bisection may look for.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import type { RunOptions } from "./plan.ts";
import { largestDivisor, resolveBackend, resolveGateway, resolveLoad } from "./resolve.ts";
import type { Backend, Gateway, Load } from "./scenario.ts";

/** An option by its name, with its value: a part of a load, a backend or a gateway. */
type Given = Readonly<Record<string, number | string>>;

/** Where settings stand in the options of a run, and what resolves one of them by itself. */
interface Place {
  readonly part: "load" | "backend" | "gateway";
  /** The transport of a gateway of ours, which decides what settings it has. */
  readonly transport?: "http-client" | "net-http";
  /** Settings whose default is no number or not in the plan, each with the field of the plan. */
  readonly others: Readonly<Record<string, string>>;
  /** Resolves the options, with defaults for the rest. */
  resolve(given: Given): object;
}

const PLACES: readonly Place[] = [
  { part: "load", others: { rate: "ratePerSec" }, resolve: (given) => resolveLoad(given as Load) },
  {
    part: "backend",
    others: {
      closeAfterRequests: "closeAfterRequests",
      idleTimeout: "idleTimeoutMs",
      closeBeforeAnswer: "closeBeforeAnswer",
    },
    resolve: (given) => resolveBackend(given as Backend),
  },
  {
    part: "gateway",
    transport: "http-client",
    others: { poolMaxIdlePerHost: "poolMaxIdlePerHost" },
    resolve: (given) => resolveGateway({ transport: "http-client", ...given } as Gateway),
  },
  {
    part: "gateway",
    transport: "net-http",
    others: {},
    resolve: (given) => resolveGateway({ transport: "net-http", ...given } as Gateway),
  },
];

/** The unit that the name of a plan's field ends in. */
const UNIT = /(Ms|PerSec)$/;

/** The option that a field of a plan comes from: `latency` for `latencyMs`. */
export function optionOf(key: string): string {
  return key.replace(UNIT, "");
}

function settingsOf({ others, resolve }: Place): string[] {
  const numbers = Object.entries(resolve({})).filter(([, value]) => typeof value === "number");
  return [...numbers.map(([key]) => optionOf(key)), ...Object.keys(others)];
}

/** The names of all settings, each once. */
export function settingNames(): string[] {
  return [...new Set(PLACES.flatMap(settingsOf))];
}

/** A value of a setting, as a plan has it. */
export interface SettingValue {
  /** The field of the plan: `connections`, `latencyMs`. */
  readonly key: string;
  /** The value in the unit of the field. */
  readonly value: number;
}

/**
 * Takes a value as the setting's option takes it: a number, or text with its unit.
 *
 * @throws {TimewaitError} for a setting that there is not, and for a value that does not fit it.
 */
export function settingValue(name: string, given: number | string): SettingValue {
  const place = placesOf(name)[0]!;
  const isWhole = typeof given === "string" && /^\d+$/.test(given) && !isDuration(place, name);
  const fresh = Object.entries(place.resolve({ [name]: isWhole ? Number(given) : given }));
  // A plan leaves out what is not done.
  const [key, value] = fresh.find(([key]) => optionOf(key) === name) ?? [keyOf(place, name), 0];
  if (typeof value !== "number") throw new TimewaitError(`takes a number, not ${given}`, { field: name });
  return { key, value };
}

/** A duration as text needs its unit, as on the command line. */
function isDuration(place: Place, name: string): boolean {
  return keyOf(place, name).endsWith("Ms");
}

/** The field of the plan that a setting comes to. */
function keyOf({ others, resolve }: Place, name: string): string {
  return others[name] ?? Object.keys(resolve({})).find((key) => optionOf(key) === name)!;
}

function placesOf(name: string): Place[] {
  const places = PLACES.filter((place) => settingsOf(place).includes(name));
  if (places.length > 0) return places;
  const names = settingNames();
  const hint = didYouMean(name, names) || `; known are ${names.join(", ")}`;
  throw new TimewaitError(`${name} is no numeric setting of load, backend or gateway${hint}`);
}

/** Whether a run has the setting: that of a gateway is for gateways of ours with its transport. */
export function hasSetting({ gateway }: Pick<RunOptions, "gateway">, name: string): boolean {
  return placesOf(name).some(({ part, transport }) =>
    part !== "gateway" || gateway !== null && "transport" in gateway && gateway.transport === transport
  );
}

/** What a reader may do where no run of a scenario has the setting. */
export function whoHas(name: string): string {
  const transports = placesOf(name).map(({ transport }) => transport);
  return `${name} is a setting of the transport ${transports.join(" and ")}`;
}

/** Whether the setting is one of the load, which then differs between values. */
export function isOfLoad(name: string): boolean {
  return placesOf(name).some(({ part }) => part === "load");
}

/** The options of a run with another value of a setting that it has. */
export function withSetting(options: RunOptions, { key, value }: SettingValue): RunOptions {
  const [{ part, others }] = placesOf(optionOf(key)) as [Place];
  const { load, backend, gateway } = options;
  if (part === "backend") {
    const { [key as "idleTimeoutMs"]: _, ...rest } = backend;
    // A plan leaves out what is not done.
    const isDone = value !== 0 || !Object.values(others).includes(key);
    return { ...options, backend: isDone ? { ...rest, [key]: value } : rest };
  }
  if (part === "load") {
    // Threads that do not divide the connections give way to them.
    const threads = key === "connections" ? { threads: largestDivisor(value, load.threads) } : {};
    return { ...options, load: { ...load, ...threads, [key]: value } };
  }
  const changed = { ...gateway!, [key]: value };
  // A worker without a connection could serve nobody, as the resolver says.
  const most = "maxConnsPerHost" in changed ? changed.maxConnsPerHost || Infinity : Infinity;
  const workers = "workers" in changed ? { workers: Math.min(changed.workers, most) } : {};
  return { ...options, gateway: { ...changed, ...workers } as RunOptions["gateway"] };
}

/**
 * Checks of what a scenario says, field by field. Each error names its field and shows what was given.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { maskSecrets } from "./mask.ts";

/** The name of an option inside another one; what has no name has no dot. */
export function at(field: string, name: string): string {
  return field === "" ? name : `${field}.${name}`;
}

/**
 * What was given, as an error shows it: text in quotes, in one line, without secrets, and cut where it is
 * long.
 */
export function shown(value: unknown): string {
  const text = typeof value === "string" || (typeof value === "object" && value !== null)
    ? typeof value === "string" ? JSON.stringify(maskSecrets(value)) : maskSecrets(JSON.stringify(value))
    : typeof value === "function"
    ? "a function"
    : String(value);
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`;
}

const MOST_SHOWN = 80;

/** Takes an object; `undefined` is an empty one. */
export function optionsOf<T extends object>(value: T | undefined, field: string): T {
  if (value === undefined) return {} as T;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TimewaitError(`must be an object, not ${shown(value)}`, { field });
  }
  // What is undefined is not given: it must not erase what was said elsewhere.
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
}

/** The names of options as a scenario has them: those of a plan end in a unit besides. */
export function optionNames(plan: object): string[] {
  return [...new Set(Object.keys(plan).map(withoutUnit))];
}

/** Refuses options that nothing was done with, and names the nearest of those that there are. */
export function refuseOthers(others: object, known: object, field: string): void {
  const [unknown] = Object.keys(others);
  if (unknown === undefined) return;
  const names = optionNames(known);
  const hint = didYouMean(unknown, names) || didYouMean(withoutUnit(unknown), names) ||
    `; known are ${names.join(", ")}`;
  throw new TimewaitError(`is no option${hint}`, { field: at(field, unknown) });
}

function withoutUnit(name: string): string {
  return name.replace(/(Ms|Sec|PerSec)$/, "");
}

/** Takes a whole number. */
export function whole(value: unknown, field: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  if (!(typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most)) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new TimewaitError(`must be a whole number ${range}, not ${shown(value)}`, { field });
  }
  // Zero without a sign, as JSON has it.
  return value + 0;
}

/** Takes `true` or `false`. */
export function truth(value: unknown, field: string): boolean {
  if (typeof value !== "boolean") {
    throw new TimewaitError(`must be true or false, not ${shown(value)}`, { field });
  }
  return value;
}

/** Takes a text that is not empty. */
export function textOf(value: unknown, field: string): string {
  if (typeof value !== "string" || value.trim() === "") {
    throw new TimewaitError(`must be text, not ${shown(value)}`, { field });
  }
  return value;
}

/** Takes a text for a heading or a cell of the report: one line. */
export function lineOf(value: unknown, field: string): string {
  const text = textOf(value, field);
  if (/\p{Cc}/u.test(text)) throw new TimewaitError(`must be one line, not ${shown(text)}`, { field });
  return text;
}

/** Takes a name: one line without backticks, because reports put it between them. */
export function nameOf(value: unknown, field: string): string {
  const name = lineOf(value, field);
  if (name.includes("`")) throw new TimewaitError(`must be without backticks, not ${shown(name)}`, { field });
  return name;
}

/** Takes a list. */
export function listOf(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw new TimewaitError(`must be a list, not ${shown(value)}`, { field });
  return Array.from(value);
}

/** Takes `{ running: true }` and nothing beside it. */
export function onlyRunning({ running, ...others }: { readonly running: unknown }, field: string): void {
  const [option] = Object.keys(others);
  if (option !== undefined) {
    throw new TimewaitError("is for what is started here: leave it out beside running", {
      field: at(field, option),
    });
  }
  if (running !== true) {
    throw new TimewaitError(`takes true, not ${shown(running)}`, { field: at(field, "running") });
  }
}

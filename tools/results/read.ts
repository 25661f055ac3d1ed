/**
 * Reads a kept results document of this version or an older one, and refuses anything else.
 *
 * @module
 */

import { messageOf, TimewaitError } from "../errors.ts";
import { Validator } from "@cfworker/json-schema";
import { isMeasured, type Results, SCHEMA } from "./results.ts";
import schema from "./results.schema.json" with { type: "json" };
import { isObject, upgrade } from "./upgrade.ts";

/** Versions that can be read. */
const KNOWN: readonly string[] = [SCHEMA];

/** A larger file is refused before it is read. A document of a hundred repetitions has some 3 MB. */
const MOST_BYTES = 256 * 1024 ** 2;

/**
 * Reads a results document from a file.
 *
 * @throws {TimewaitError} which names the file and, where it is damaged, the place.
 */
export async function readResults(path: string): Promise<Results> {
  let text: string;
  try {
    const { size, isCharDevice } = await Deno.stat(path);
    if (isCharDevice || size > MOST_BYTES) {
      throw new Error(`larger than ${MOST_BYTES >> 20} MiB, which no bench writes`);
    }
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new TimewaitError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return parseResults(text, path);
}

/**
 * Parses a results document and checks it against `results.schema.json`. A document of an older version is
 * brought to the shape of this one first; what was not measured then is `null`.
 *
 * @param name what to call it in messages.
 * @throws {TimewaitError} when it is not JSON, not a results document, of an unknown version, or damaged.
 */
export function parseResults(text: string, name: string): Results {
  // Before it is parsed: a parser spends a hundred bytes on each bracket, and its stack on each level.
  if (isDeeperThan(MOST_LEVELS, text)) {
    throw new TimewaitError(`${name} is damaged: it is nested more than ${MOST_LEVELS} levels deep`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new TimewaitError(`${name} is damaged, it is no JSON: ${messageOf(cause)}`, { cause });
  }
  if (!isObject(document) || typeof document.schema !== "string") {
    throw new TimewaitError(
      `${name} is no results document: it has no "schema"; bench writes one with --json or --out`,
    );
  }
  if (!KNOWN.includes(document.schema)) {
    throw new TimewaitError(`${name} is ${document.schema}, this Timewait reads ${KNOWN.join(" and ")}`);
  }
  upgrade(document);
  const damage = findDamage(document);
  if (damage !== undefined) throw new TimewaitError(`${name} is damaged at ${damage}`);
  return document as unknown as Results;
}

/** No document of any version is nested a quarter as deep. */
const MOST_LEVELS = 64;

/** Whether brackets and braces are nested deeper than that. Those in strings do not count. */
function isDeeperThan(levels: number, text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) {
      for (i++; i < text.length && text.charCodeAt(i) !== QUOTE; i++) {
        if (text.charCodeAt(i) === BACKSLASH) i++;
      }
    } else if (character === BRACKET || character === BRACE) {
      if (++depth > levels) return true;
    } else if (character === BRACKET + 2 || character === BRACE + 2) depth--;
  }
  return false;
}

const [QUOTE, BACKSLASH, BRACKET, BRACE] = [34, 92, 91, 123];

/** Where a document is damaged and how; `undefined` where it is whole. */
function findDamage(document: Record<string, unknown>): string | undefined {
  const unpaired = placeOfUnpaired(document);
  if (unpaired !== undefined) return `${unpaired.replace(/^\./, "")}: a name that is no Unicode`;
  const { errors } = new Validator(schema as ConstructorParameters<typeof Validator>[0], "2020-12").validate(
    document,
  );
  // The validator reports an error at every level that holds the damage; the innermost level is the place.
  const depth = (location: string) => location.split("/").length;
  const [innermost] = errors.toSorted((a, b) => depth(b.instanceLocation) - depth(a.instanceLocation));
  if (innermost !== undefined) return `${placeOf(innermost.instanceLocation)}: ${innermost.error}`;
  return findContradiction(document as unknown as Results);
}

/** What no schema can say: names are unique, exactly one run is the baseline, and series have one length. */
function findContradiction(document: Results): string | undefined {
  const { runs } = document;
  const excessive = placeOfExcessive(document);
  if (excessive !== undefined) return `${excessive.replace(/^\./, "")}: a number that is too large`;
  const names = runs.map((run) => run.name);
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
  if (twice >= 0) return `runs[${twice}].name: a second run named ${names[twice]}`;
  if (runs.filter((run) => run.baseline).length !== 1) return "runs: not exactly one of them is the baseline";
  for (const [r, run] of runs.entries()) {
    for (const [i, repetition] of run.repetitions.entries()) {
      if (!isMeasured(repetition)) continue;
      const { samples, latencyHistogram, connects } = repetition;
      const series = Object.values(samples.hosts).filter((host) => host !== null).flatMap((host) => [
        host.timeWait,
        host.established,
        host.connectionsOpened,
      ]);
      const broken = series.some((values) => values.length !== samples.timeMs.length)
        ? "samples: series of different lengths"
        : samples.answered.requests.length !== samples.answered.timeMs.length
        ? "samples.answered: series of different lengths"
        : latencyHistogram !== null && latencyHistogram.us.length !== latencyHistogram.count.length
        ? "latencyHistogram: as many counts as latencies are needed"
        : connects !== undefined && connects.timeMs.length !== connects.connectUs.length
        ? "connects: as many times as connects are needed"
        : undefined;
      if (broken !== undefined) return `runs[${r}].repetitions[${i}].${broken}`;
    }
  }
  return undefined;
}

/**
 * The place of a number that no bench can have measured, with which figures would come out as infinite:
 * beyond the whole numbers that are exact. JSON has no Infinity, but 1e999 is read as one.
 */
function placeOfExcessive(value: unknown): string | undefined {
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? undefined : "";
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const place = placeOfExcessive(inner);
    if (place !== undefined) return Array.isArray(value) ? `[${key}]${place}` : `.${key}${place}`;
  }
  return undefined;
}

/** The place of a name with half of a surrogate pair, which the validator cannot put into a URI. */
function placeOfUnpaired(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || typeof (value as unknown[])[0] === "number") {
    return undefined;
  }
  for (const [key, inner] of Object.entries(value)) {
    const place = key.isWellFormed() ? placeOfUnpaired(inner) : "";
    if (place !== undefined) return Array.isArray(value) ? `[${key}]${place}` : `.${key}${place}`;
  }
  return undefined;
}

/** The place of a JSON pointer, as people write it: `runs[1].name`. */
function placeOf(pointer: string): string {
  const place = pointer.replace(/^#\/?/, "").split("/").map((part) =>
    /^\d+$/.test(part) ? `[${part}]` : `.${part}`
  );
  return place.join("").replace(/^\./, "") || "the top";
}

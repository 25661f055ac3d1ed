/**
 * Brings results documents of older versions to the shape of this one. The only place that knows what they
 * lacked.
 *
 * @module
 */

import { resolvePoolLimits } from "../transport/pool/limits.ts";

/** An object of a document that nobody has checked yet. */
export type Unchecked = Record<string, unknown>;

/**
 * Fills in what was added since a document was kept: with the value that was in force then, where it is
 * known, and with `null` where nothing was measured. What is damaged stays so, for the check that follows.
 */
export function upgrade(document: Unchecked): void {
  const runs = listOf(document.runs).filter(isObject);
  const repetitions = runs.map((run) => listOf(run.repetitions));
  // Before there was a method, a bench repeated by number.
  const repeat = Math.max(1, ...repetitions.map(({ length }) => length));
  fill(document, { seed: 0, method: { repeat, until: null } });
  // A method that was not kept was `null` for a while.
  document.method ??= { repeat, until: null };
  fill(document.environment, { governors: [] });
  const unwatched = isObject(document.environment) ? listOf(document.environment.notWatched) : [];
  for (const { options } of runs) {
    if (!isObject(options)) continue;
    fill(options.load, { warmUpMs: 0 });
    upgradeGateway(options.gateway);
  }
  for (const repetition of repetitions.flat()) {
    if (!isObject(repetition) || "failed" in repetition) continue;
    fill(repetition, { startedMs: null, latencyHistogram: null, machine: null });
    // A party that was not watched was all zeros for a while.
    const bySide = [repetition.hosts, isObject(repetition.samples) ? repetition.samples.hosts : undefined];
    for (const hosts of bySide.filter(isObject)) {
      for (const party of unwatched) if (String(party) in hosts) hosts[String(party)] = null;
    }
  }
}

function upgradeGateway(gateway: unknown): void {
  if (!isObject(gateway)) return;
  if (gateway.transport === "http-client") {
    fill(gateway, { poolMaxIdlePerHost: false, poolIdleTimeoutMs: 90_000, workers: 1 });
  }
  if (gateway.transport === "net-http") {
    const timeouts = { dialTimeoutMs: 5_000, responseHeaderTimeoutMs: 60_000, requestHeaderTimeoutMs: 5_000 };
    fill(gateway, { ...resolvePoolLimits(), ...timeouts, workers: 1 });
  }
}

function fill(target: unknown, lacking: Unchecked): void {
  if (!isObject(target)) return;
  for (const [key, value] of Object.entries(lacking)) if (!Object.hasOwn(target, key)) target[key] = value;
}

/** Whether a value is an object, and no list. */
export function isObject(value: unknown): value is Unchecked {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

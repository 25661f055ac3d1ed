/**
 * What a bisection measures: which runs, and how they are loaded at a value.
 *
 * @module
 */

import type { FindPlan } from "../scenario/find.ts";
import type { RunPlan } from "../scenario/plan.ts";
import { withSetting } from "../scenario/settings.ts";

/**
 * The runs of a scenario that a bisection is made for: those with a gateway, and for a rate the direct ones
 * where there is no other.
 */
export function runsToFind(runs: readonly RunPlan[], find: FindPlan): RunPlan[] {
  const through = runs.filter(({ options }) => options.gateway !== null);
  return through.length === 0 && find.name === "ratePerSec" ? [...runs] : through;
}

/** Times that all connections send together in one repetition. The first of them fills the pool. */
const BEATS = 5;

/** The longest that the backend takes for an answer while a pool is looked at, in milliseconds. */
const LONGEST_MS = 1_000;

/**
 * A run at one value. To see the size of a pool, all connections must be busy at once and then all idle: they
 * send together, the backend answers only when the gateway had time for all of them, and they pause after
 * that. Half a millisecond for each connection is enough for a gateway that serves 2,000 requests a second.
 */
export function stepOf(run: RunPlan, find: FindPlan, value: number): RunPlan {
  const options = withSetting(run.options, { key: find.name, value });
  if (find.name === "ratePerSec") return { ...run, options };
  const shareMs = Math.ceil(value / 2);
  const latencyMs = Math.max(options.backend.latencyMs, Math.min(LONGEST_MS, 50 + shareMs));
  const beatMs = latencyMs + 100 + shareMs;
  const load = {
    ...options.load,
    beatMs,
    warmUpMs: 0,
    durationMs: Math.ceil(BEATS * beatMs / 1000) * 1000,
    timeoutMs: Math.max(options.load.timeoutMs, Math.ceil(2 * beatMs / 1000) * 1000),
  };
  return { ...run, options: { ...options, backend: { ...options.backend, latencyMs }, load } };
}

/** Models that are as plain as the closed formulas: no work, no CPUs to share, one worker. */

import type { Model } from "../../tools/predict/model.ts";
import { modelOf, type Question } from "../../tools/predict/question.ts";
import { simulate } from "../../tools/predict/simulation.ts";
import type { Tallied } from "../../tools/predict/tally.ts";

/** A model whose gateway and clients take no time. */
export function plainModel(question: Partial<Question>, changes: Partial<Model> = {}): Model {
  const model = modelOf({ connections: 100, latencyMs: 10, gatewayUs: 0, ...question });
  return { ...model, ports: Infinity, clientUs: 0, ...changes };
}

/** Simulates for so many seconds, and counts from a fifth of them on. */
export function simulateFor(model: Model, untilSec: number, seed = 1): Tallied {
  return simulate(model, { untilSec, fromSec: untilSec / 5, pooled: true }, seed);
}

/** Connections per request. */
export function churn({ opened, requests }: Tallied): number {
  return opened / requests;
}

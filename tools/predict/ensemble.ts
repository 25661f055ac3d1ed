/**
 * Many simulations of one model: what they agree on is the prediction, how they differ is its band.
 *
 * @module
 */

import type { Model } from "./model.ts";
import { Randomness } from "./randomness.ts";
import { simulate, type Span } from "./simulation.ts";
import type { Tallied } from "./tally.ts";

/** A figure of all simulations: the middle one, the lowest and the highest. */
export interface Band {
  /** The median. */
  readonly median: number;
  /** The lowest. */
  readonly low: number;
  /** The highest. */
  readonly high: number;
}

/**
 * Most simulations of one model. Where the model is right, a measurement is one more draw, and is within the
 * band of 19 in 18 cases of 20.
 */
export const MOST_MEMBERS = 19;

/** Requests of all simulations of a model together: some seconds on a CPU. */
const MOST_REQUESTS = 2_000_000;

/** Least cycles of a closed loop, from request to request, until its second half is steady. */
const LEAST_CYCLES = 4;

/** How many simulations, and how long each. */
export interface Plan extends Span {
  /** How many. */
  readonly members: number;
}

/** Plans the simulations of a model: as many as can be had in some seconds, each until it is steady. */
export function planEnsemble(model: Model): Plan {
  const { load, backend, gateway, burst } = model;
  const latencySec = backend.latencyMs / 1000;
  const workSec = (gateway.requestUs + gateway.answerUs) / 1e6;
  const crowdSec = load.kind === "closed"
    ? load.connections * workSec / (gateway.workers * gateway.threads)
    : 0;
  const cycleSec = Math.max(latencySec + workSec + model.clientUs / 1e6, crowdSec);
  const ratePerSec = load.kind === "open" ? load.ratePerSec : load.connections / cycleSec;
  const periodSec = burst === undefined ? 0 : (burst.onMs + burst.offMs) / 1000;
  const leastSec = Math.max(LEAST_CYCLES * cycleSec, 2 * periodSec);
  const untilSec = Math.max(leastSec, Math.min(Math.max(4, 30 * latencySec), 500_000 / ratePerSec));
  // Whole periods in either half, so that a pause counts for what it is.
  const span = periodSec === 0 ? untilSec : Math.ceil(untilSec / (2 * periodSec)) * 2 * periodSec;
  const members = Math.floor(MOST_REQUESTS / (ratePerSec * span));
  return {
    members: Math.max(1, Math.min(MOST_MEMBERS, members)),
    untilSec: span,
    fromSec: 0,
    pooled: true,
  };
}

/**
 * Simulates a model several times; of several models, each in turn. The first is the model as it is. The
 * others have seeds of their own, and latencies, CPU times, slices, batches and pauses of their own, because
 * these are known only so well: CPU times up to 15% off, a connection's up to 30%; slices 0.7 to 2 times;
 * batches 0.8 to 1.25 times; pauses half to twice; what other programs use, which was measured, up to 10%.
 */
export function simulateAll(
  models: Model | readonly [Model, ...Model[]],
  plan: Plan,
  seed: number,
): Tallied[] {
  const all = [models].flat() as readonly Model[];
  return Array.from({ length: plan.members }, (_, i) => {
    const random = new Randomness(seed + 7919 * i);
    const model = all[i % all.length]!;
    return simulate(i === 0 ? model : vary(model, random), plan, (seed + i) | 0);
  });
}

function vary(model: Model, random: Randomness): Model {
  const factor = 0.85 + 0.3 * random.uniform();
  const halfToTwice = () => 2 ** (2 * random.uniform() - 1);
  const { gateway, backend } = model;
  return {
    ...model,
    others: model.others * (0.9 + 0.2 * random.uniform()),
    sliceMs: model.sliceMs * (0.7 + 1.3 * random.uniform()),
    // Timers of a busy backend are late: with 70 ms the middle answer took 72.9 to 73.6 ms without a gateway.
    backend: backend.grainMs === 0
      ? backend
      : { ...backend, latencyMs: backend.latencyMs * (1 + 0.08 * random.uniform()) },
    gateway: {
      ...gateway,
      requestUs: gateway.requestUs * factor,
      answerUs: gateway.answerUs * factor,
      connectUs: gateway.connectUs * (0.7 + 0.6 * random.uniform()),
      pauseEveryMs: gateway.pauseEveryMs * halfToTwice(),
      batch: Math.round(gateway.batch * (0.8 + 0.45 * random.uniform())),
    },
  };
}

/** The band of a figure. */
export function bandOf(all: readonly Tallied[], figure: (tallied: Tallied) => number): Band {
  const values = all.map(figure).sort((a, b) => a - b);
  const middle = (values.length - 1) / 2;
  return {
    median: (values[Math.floor(middle)]! + values[Math.ceil(middle)]!) / 2,
    low: values[0]!,
    high: values.at(-1)!,
  };
}

/** Connections per request once the pool is warm: those of the second half. */
export function churnOf({ openedLate, requestsLate }: Tallied): number {
  return openedLate / Math.max(1, requestsLate);
}

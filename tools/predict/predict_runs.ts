/**
 * Predicts the runs of a results document from its baseline, and sets them beside what was measured.
 *
 * @module
 */

import { type Environment, type Measured, measuredOf, type Results, type Run } from "../results/results.ts";
import { estimateMedian } from "../verdict/intervals.ts";
import {
  besideOf,
  type Bunching,
  calibrate,
  type Calibration,
  type KnownGateway,
  knownGateway,
  modelOfRun,
  openedPerRequest,
  spanOf,
} from "./calibration.ts";
import type { Model } from "./model.ts";
import { type Band, bandOf, MOST_MEMBERS, simulateAll } from "./ensemble.ts";

/**
 * By this share repetitions of a run differ anyhow, and bands are wider by it. Of 144 pairs of repetitions on
 * a quiet machine, in 48 runs, connections per request of half differed by at most 19%, of 64% by at most
 * this, of 90% by at most 97%.
 */
const REPEATS = 0.34;

const UNCALIBRATED: Calibration = { slowness: 1, others: 0, by: "profile" };

type KnownOf = (run: Run) => KnownGateway | undefined;

/** What was predicted and measured of one figure. */
export interface Beside {
  /** The simulations: the median; the lowest and the highest, and what repetitions differ by beyond them. */
  readonly predicted: Band;
  /** The repetitions, likewise. */
  readonly measured: Band;
  /** Whether the measured median is within the predicted band. */
  readonly isWithin: boolean;
  /** By how much the predicted median is off, as a share of the measured one. `null` where that is 0. */
  readonly error: number | null;
}

/** A run, predicted and measured. */
export interface PredictedRun {
  /** Its name. */
  readonly name: string;
  /** Connections opened ÷ requests, over the whole load. */
  readonly openedPerRequest: Beside;
  /** Answers a second. */
  readonly requestsPerSec: Beside;
  /** Why the band is no prediction but only bounds. Left out where it is one. */
  readonly onlyBounds?: string;
}

/** What became of a document. */
export interface PredictedRuns {
  /** The run on which the machine was calibrated. */
  readonly baseline: string;
  /** How. */
  readonly calibration: Calibration;
  /** The other runs that could be predicted. */
  readonly runs: readonly PredictedRun[];
  /** The other runs that could not, and why. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Predicts the runs of a document but its baseline, which calibrates the machine. Where the baseline was not
 * measured, the machine is taken to be that of the profiles.
 *
 * @param gateways what is known of gateways that are not ours, by the names of their runs.
 */
export function predictRuns(
  { runs, environment, seed }: Results,
  gateways: Readonly<Record<string, KnownGateway>> = {},
): PredictedRuns {
  const baseline = runs.find((run) => run.baseline)!;
  const known: KnownOf = (run) =>
    run.options.gateway === null ? undefined : gateways[run.name] ?? knownGateway(run.options.gateway);
  const calibration = calibrate(baseline, known(baseline), environment) ?? UNCALIBRATED;
  const predicted: PredictedRun[] = [];
  const left: { name: string; reason: string }[] = [];
  for (const run of runs) {
    if (run === baseline) continue;
    const gateway = known(run);
    const leave = (reason: string) => left.push({ name: run.name, reason });
    if (run.options.gateway === null) leave("it has no gateway");
    else if (gateway === undefined) leave("it is not one of ours, and its pool is not known");
    else if (measuredOf(run).length === 0) leave("it was not measured");
    else {
      const models = modelsOf(run, gateway, environment, calibration);
      const all = simulateAll(models, { ...spanOf(run), members: MOST_MEMBERS }, seed);
      const churn = bandOf(all, ({ opened, requests }) => opened / Math.max(1, requests));
      const onlyBounds = isStarved(gateway, models[0]) ? STARVED : undefined;
      predicted.push({
        name: run.name,
        ...(onlyBounds === undefined ? {} : { onlyBounds }),
        openedPerRequest: beside(
          onlyBounds === undefined ? churn : boundsOf(churn, run, baseline, known),
          run,
          openedPerRequest,
        ),
        requestsPerSec: beside(
          bandOf(all, ({ requests, durationSec }) => requests / durationSec),
          run,
          ({ requestsPerSec }) => requestsPerSec,
        ),
      });
    }
  }
  return { baseline: baseline.name, calibration, runs: predicted, left };
}

const STARVED = "net-http serves the newest request first and lets others starve, which is not simulated";

/**
 * Times its latency that all clients' work must take before a gateway that serves the newest first starves.
 */
const STARVES = 2;

/** Whether the gateway lets clients starve under this load. */
function isStarved({ profile }: KnownGateway, { load, gateway, backend }: Model): boolean {
  const workMs = load.connections * (gateway.requestUs + gateway.answerUs) / 1000 / gateway.workers;
  return profile === "net-http" && load.kind === "closed" && workMs > STARVES * backend.latencyMs;
}

/**
 * What holds whatever the order in which requests are served: under the same load a larger pool opens no more
 * than a smaller one.
 */
function boundsOf(churn: Band, run: Run, baseline: Run, known: KnownOf): Band {
  const [pool, poolOfBaseline] = [known(run)?.perHost, known(baseline)?.perHost];
  if (!isSameLoad(run, baseline) || pool === undefined || poolOfBaseline === undefined) {
    return { ...churn, low: 0, high: Math.max(1, churn.high) };
  }
  const measured = estimateMedian(measuredOf(baseline).map(openedPerRequest))!.estimate;
  return pool > poolOfBaseline
    ? { ...churn, low: 0, high: Math.max(measured, churn.median) }
    : { ...churn, low: Math.min(measured, churn.median), high: Math.max(1, churn.high) };
}

function isSameLoad({ options: a }: Run, { options: b }: Run): boolean {
  return a.load.connections === b.load.connections && a.load.ratePerSec === b.load.ratePerSec &&
    a.backend.latencyMs === b.backend.latencyMs;
}

/**
 * The models of a run: one for each of its repetitions, with what other programs used meanwhile, and each of
 * the bunchings that the baseline leaves possible.
 */
function modelsOf(
  run: Run,
  known: KnownGateway,
  environment: Environment,
  { slowness, bunchings = [undefined] }: Omit<Calibration, "bunchings"> & {
    readonly bunchings?: readonly (Bunching | undefined)[] | undefined;
  },
): [Model, ...Model[]] {
  return measuredOf(run).flatMap((repetition) =>
    bunchings.map((bunching) =>
      modelOfRun(run, known, environment, {
        slowness,
        bunching,
        beside: besideOf(repetition, run, environment),
      })
    )
  ) as [Model, ...Model[]];
}

function beside(predicted: Band, run: Run, figure: (repetition: Measured) => number): Beside {
  const values = measuredOf(run).map(figure);
  const median = estimateMedian(values)!.estimate;
  const low = predicted.low / (1 + REPEATS);
  const high = predicted.high * (1 + REPEATS);
  return {
    predicted: { ...predicted, low, high },
    measured: { median, low: Math.min(...values), high: Math.max(...values) },
    isWithin: low <= median && median <= high,
    error: median === 0 ? null : predicted.median / median - 1,
  };
}

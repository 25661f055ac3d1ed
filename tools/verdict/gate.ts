/**
 * Gates: what a run must keep to, such as `requestsPerSec>=-5%` against other results or
 * `gateway.timeWaitPeak<=1000` by itself, and whether the repetitions show that it does.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { FALSE_ALARMS } from "./comparison.ts";
import { type BootstrapOptions, estimateMedian, estimateRatio, type Interval } from "./intervals.ts";
import { adjustHolm, smallestMannWhitneyP, testMannWhitney } from "./rank_tests.ts";
import { type Measured, measuredOf, type Run } from "../results/results.ts";

/** One condition. */
export interface Gate {
  /** As it was typed. */
  readonly text: string;
  /** The run that it holds for; all runs where it is left out. */
  readonly run?: string;
  /** A figure of a repetition, such as `latencyUs.p99`; `gateway.timeWaitPeak` stands for that of `hosts`. */
  readonly figure: string;
  /** Whether the limit is the highest or the lowest that is allowed. */
  readonly operator: "<=" | ">=";
  /** A limit of the figure; or of its change, as a share of the other results' figure. */
  readonly limit: number;
  /** Whether the limit is one of the change. */
  readonly relative: boolean;
}

/** What the repetitions show of a gate. */
export type GateVerdict = "holds" | "fails" | "cannot tell";

/** A gate, applied to a run. */
export interface GateCheck {
  /** The gate. */
  readonly gate: Gate;
  /** The run's name. */
  readonly run: string;
  /** The name of its results document. Left out where there is only one. */
  readonly document?: string;
  /** The figure, or for a relative gate its ratio to the other results'; `undefined` where there is none. */
  readonly measured: Interval | undefined;
  /** What is shown. */
  readonly verdict: GateVerdict;
  /** Where it cannot tell because the repetitions are too few for any verdict: how many would do. */
  readonly repetitionsNeeded?: number;
}

/**
 * Parses a gate: `[RUN:]FIGURE>=LIMIT` or `<=`. A limit with a percent sign is one of the change.
 *
 * @throws {TimewaitError} for anything else.
 */
export function parseGate(text: string, field = "gate"): Gate {
  const match = /^(?:([^:<>=]+):)?([A-Za-z0-9.]+)\s*(<=|>=)\s*([+-]?\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  if (match === null) {
    throw new TimewaitError(
      `takes a gate such as 'requestsPerSec>=-5%' or 'pool-1000:gateway.timeWaitPeak<=1000', not "${text}"`,
      { field },
    );
  }
  const [, run, figure, operator, limit, percent] = match;
  const relative = percent === "%";
  return {
    text: text.trim(),
    ...(run === undefined ? {} : { run: run.trim() }),
    figure: figure!,
    operator: operator as Gate["operator"],
    limit: relative ? Number(limit) / 100 : Number(limit),
    relative,
  };
}

/** The gate's figure of a repetition; `undefined` where it has none of that name, or it was not measured. */
export function figureOf(one: Measured, figure: string): number | undefined {
  const path = figure.split(".");
  for (const root of [one, one.hosts] as unknown[]) {
    const value = path.reduce<unknown>((at, key) => ownProperty(at, key), root);
    if (typeof value === "number") return value;
  }
  return undefined;
}

function ownProperty(at: unknown, key: string): unknown {
  const isRecord = typeof at === "object" && at !== null && !Array.isArray(at) && Object.hasOwn(at, key);
  return isRecord ? (at as Record<string, unknown>)[key] : undefined;
}

/** A run that gates are applied to. */
export interface GatedRun {
  /** What was measured. */
  readonly run: Run;
  /** The run of the same name in the results it is compared with, where there is one. */
  readonly against?: Run;
  /** The name of its results document. Left out where there is only one. */
  readonly document?: string;
}

/**
 * Applies gates to runs, each beside the run of the same name in the results it is compared with.
 *
 * A gate holds or fails only where the repetitions show it at 5%: a relative one by the Mann-Whitney test against the
 * other results at the limit, where the interval of the ratio lies wholly on the same side; an absolute one by the
 * sign test of the median. Both are one-sided. They are corrected together for the number of checks made in one
 * command (Holm), those of failing and those of holding each for themselves: so that where every figure is at its
 * limit, the chance that even one gate is said to fail is at most 5%, however many there are.
 *
 * @throws {TimewaitError} for a figure or a run that no results have.
 */
export function checkGates(
  gates: readonly Gate[],
  runs: readonly GatedRun[],
  options: BootstrapOptions,
): GateCheck[] {
  const applied = gates.flatMap((gate) => applyGate(gate, runs));
  const sides = applied.map(testSides);
  const adjusted = {
    fails: adjustHolm(sides.map(({ fails }) => fails)),
    holds: adjustHolm(sides.map(({ holds }) => holds)),
  };
  return applied.map((gated, i) => {
    const sides = { fails: adjusted.fails[i]!, holds: adjusted.holds[i]! };
    return judge(gated, sides, applied.length, options);
  });
}

interface Applied {
  readonly gate: Gate;
  readonly run: string;
  readonly document?: string;
  readonly values: number[];
  /** Of a relative gate: the values that it is compared with. */
  readonly against?: number[];
}

/** One-sided p-values of the figure lying beyond its limit, and within it. */
interface Sides {
  readonly fails: number;
  readonly holds: number;
}

function applyGate(gate: Gate, pairs: readonly GatedRun[]): Applied[] {
  const names = pairs.map(({ run }) => run.name);
  if (gate.run !== undefined && !names.includes(gate.run)) {
    throw new TimewaitError(`${gate.text}: there is no run ${gate.run}${didYouMean(gate.run, names)}`, {
      field: "gate",
    });
  }
  const asked = pairs.filter(({ run }) => gate.run === undefined || gate.run === run.name);
  if (gate.relative && asked.every(({ against }) => against === undefined)) {
    throw new TimewaitError(`${gate.text} is about a change: give the results to compare with first`, {
      field: "gate",
    });
  }
  const first = pairs.flatMap(({ run }) => measuredOf(run))[0];
  if (
    first !== undefined &&
    pairs.flatMap(({ run }) => measuredOf(run)).every((one) => !hasFigure(one, gate.figure))
  ) {
    const hint = didYouMean(gate.figure, figuresOf(first));
    throw new TimewaitError(`${gate.text}: there is no figure ${gate.figure}${hint}`, { field: "gate" });
  }
  // A gateway that a direct run does not have keeps any limit: that says nothing.
  const meant = gate.run === undefined && gate.figure.startsWith("gateway.")
    ? asked.filter(({ run }) => run.options.gateway !== null)
    : asked;
  return meant.flatMap(({ run, against, document }) => {
    if (gate.relative && against === undefined) return [];
    const values = (one: Run) =>
      measuredOf(one).flatMap((repetition) => figureOf(repetition, gate.figure) ?? []);
    return [{
      gate,
      run: run.name,
      ...(document === undefined ? {} : { document }),
      values: values(run),
      ...(gate.relative && against !== undefined ? { against: values(against) } : {}),
    }];
  });
}

function hasFigure(one: Measured, figure: string): boolean {
  return figuresOf(one).includes(figure) || figureOf(one, figure) !== undefined;
}

/** The names of all figures of a repetition, without those of its series. */
function figuresOf({ samples: _, latencyHistogram: __, ...one }: Measured): string[] {
  const names = (value: unknown, path: string): string[] =>
    typeof value === "number" || value === null
      ? [path]
      : Array.isArray(value) || typeof value !== "object"
      ? []
      : Object.entries(value).flatMap(([key, inner]) => names(inner, path === "" ? key : `${path}.${key}`));
  return names(one, "").map((name) => name.replace(/^hosts\./, ""));
}

function testSides({ gate, values, against }: Applied): Sides {
  const low = gate.operator === ">=";
  if (against === undefined) {
    const within = values.filter((value) => low ? value >= gate.limit : value <= gate.limit).length;
    return {
      fails: signTail(values.length, values.length - within),
      holds: signTail(values.length, within),
    };
  }
  if (values.length === 0 || against.length === 0) return { fails: 1, holds: 1 };
  const { pLess, pGreater } = testMannWhitney(values, against.map((value) => value * (1 + gate.limit)));
  return low ? { fails: pLess, holds: pGreater } : { fails: pGreater, holds: pLess };
}

function judge(
  { gate, run, document, values, against }: Applied,
  p: Sides,
  checks: number,
  options: BootstrapOptions,
): GateCheck {
  const measured = against === undefined
    ? estimateMedian(values)
    : estimateRatio({ baseline: against, candidate: values, paired: false }, options);
  const agrees = against === undefined ? { fails: true, holds: true } : sideOf(gate, measured);
  const verdict = agrees.fails && p.fails <= FALSE_ALARMS
    ? "fails"
    : agrees.holds && p.holds <= FALSE_ALARMS
    ? "holds"
    : "cannot tell";
  const smallest = (n: number, m: number) =>
    (against === undefined ? 0.5 ** n : smallestMannWhitneyP(n, m) / 2) * checks;
  const [n, m] = [values.length, against?.length ?? values.length];
  const tooFew = Math.min(n, m) === 0 || smallest(n, m) > FALSE_ALARMS;
  let needed = 1;
  while (smallest(needed, needed) > FALSE_ALARMS) needed++;
  return {
    gate,
    run,
    ...(document === undefined ? {} : { document }),
    measured,
    verdict,
    ...(tooFew ? { repetitionsNeeded: needed } : {}),
  };
}

/** On which side of a relative gate's limit the interval of the ratio lies wholly, if on one. */
function sideOf(gate: Gate, ratio: Interval | undefined): { fails: boolean; holds: boolean } {
  if (ratio === undefined) return { fails: false, holds: false };
  const limit = 1 + gate.limit;
  const [below, above] = [ratio.high < limit, ratio.low > limit];
  return gate.operator === ">="
    ? { fails: below, holds: ratio.low >= limit }
    : { fails: above, holds: ratio.high <= limit };
}

/** The chance of at least `heads` in `n` throws of a coin. */
function signTail(n: number, heads: number): number {
  let term = 0.5 ** n;
  let tail = 0;
  for (let k = 0; k <= n; k++) {
    if (k >= heads) tail += term;
    term *= (n - k) / (k + 1);
  }
  return tail;
}

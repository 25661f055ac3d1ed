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

/** A condition on a figure. */
export interface Gate {
  /** As it was typed. */
  readonly text: string;
  /** The name of the run that must keep to it. Left out for all runs. */
  readonly run?: string;
  /** A figure of a repetition, such as `latencyUs.p99`; `gateway.timeWaitPeak` stands for that of `hosts`. */
  readonly figure: string;
  /** Whether the limit is the highest or the lowest that is allowed. */
  readonly operator: "<=" | ">=";
  /** The limit of the figure, or of its change as a share of the other results' figure. */
  readonly limit: number;
  /** Whether the limit is a limit of the change. */
  readonly relative: boolean;
}

/** What the repetitions show about a gate. */
export type GateVerdict = "holds" | "fails" | "cannot tell";

/** A gate, applied to a run. */
export interface GateCheck {
  /** The gate. */
  readonly gate: Gate;
  /** The run's name. */
  readonly run: string;
  /** The name of its results document. Left out where there is only one. */
  readonly document?: string;
  /**
   * The figure, or for a relative gate its ratio to the other results' figure; `undefined` where there is
   * none.
   */
  readonly measured: Interval | undefined;
  /** What is shown. */
  readonly verdict: GateVerdict;
  /** How many repetitions would be enough. Left out unless they are too few for any verdict. */
  readonly repetitionsNeeded?: number;
}

/**
 * Parses a gate: `[RUN:]FIGURE>=LIMIT` or `<=`. A limit with a percent sign is a limit of the change.
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

/**
 * A repetition's figure by its name; `undefined` where there is none of that name, or it was not measured.
 */
export function figureOf(repetition: Measured, figure: string): number | undefined {
  const path = figure.split(".");
  for (const root of [repetition, repetition.hosts] as unknown[]) {
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
 * A gate holds or fails only where the repetitions show it at 5%. For a relative gate they show it by the
 * Mann-Whitney test against the other results at the limit, and the interval of the ratio must lie wholly on
 * the same side; for an absolute gate, by the sign test of the median. Both tests are one-sided. All checks
 * of one command are corrected together (Holm), the tests for failing and those for holding apart. So where
 * every figure is at its limit, the chance that even one gate is said to fail is at most 5%, however many
 * gates there are.
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
  /** The values that a relative gate compares with. */
  readonly against?: number[];
}

/** One-sided p-values: that the figure lies beyond its limit, and that it lies within. */
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
    pairs.flatMap(({ run }) => measuredOf(run)).every((repetition) => !hasFigure(repetition, gate.figure))
  ) {
    const hint = didYouMean(gate.figure, figuresOf(first));
    throw new TimewaitError(`${gate.text}: there is no figure ${gate.figure}${hint}`, { field: "gate" });
  }
  // A direct run has no gateway, which keeps to any limit: that says nothing.
  const meant = gate.run === undefined && gate.figure.startsWith("gateway.")
    ? asked.filter(({ run }) => run.options.gateway !== null)
    : asked;
  return meant.flatMap(({ run, against, document }) => {
    if (gate.relative && against === undefined) return [];
    const values = (run: Run) =>
      measuredOf(run).flatMap((repetition) => figureOf(repetition, gate.figure) ?? []);
    return [{
      gate,
      run: run.name,
      ...(document === undefined ? {} : { document }),
      values: values(run),
      ...(gate.relative && against !== undefined ? { against: values(against) } : {}),
    }];
  });
}

function hasFigure(repetition: Measured, figure: string): boolean {
  return figuresOf(repetition).includes(figure) || figureOf(repetition, figure) !== undefined;
}

/** The names of all figures of a repetition; its series are no figures. */
function figuresOf({ samples: _, latencyHistogram: __, ...figures }: Measured): string[] {
  const names = (value: unknown, path: string): string[] =>
    typeof value === "number" || value === null
      ? [path]
      : Array.isArray(value) || typeof value !== "object"
      ? []
      : Object.entries(value).flatMap(([key, inner]) => names(inner, path === "" ? key : `${path}.${key}`));
  return names(figures, "").map((name) => name.replace(/^hosts\./, ""));
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

/** On which side of a relative gate's limit the interval of the ratio lies wholly, if on either. */
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

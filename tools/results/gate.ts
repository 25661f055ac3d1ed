/**
 * Gates: what a run must keep to, such as `requestsPerSec>=-5%` against other results or
 * `gateway.timeWaitPeak<=1000` by itself, and whether the repetitions show that it does.
 *
 * @module
 */

import { didYouMean, UsageError } from "../command_line.ts";
import { FALSE_ALARMS } from "./comparison.ts";
import { estimateMedian, estimateRatio, type Interval } from "./intervals.ts";
import { adjustHolm, smallestMannWhitneyP, testMannWhitney } from "./rank_tests.ts";
import { type Measured, measuredOf, type Run } from "./results.ts";

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
 * @throws {UsageError} for anything else.
 */
export function parseGate(text: string, name: string): Gate {
  const match = /^(?:([^:<>=]+):)?([A-Za-z0-9.]+)\s*(<=|>=)\s*([+-]?\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  if (match === null) {
    throw new UsageError(
      `${name} takes a gate such as 'requestsPerSec>=-5%' or 'pool-1000:gateway.timeWaitPeak<=1000', not "${text}"`,
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
    const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], root);
    if (typeof value === "number") return value;
  }
  return undefined;
}

/**
 * Applies gates to runs, each beside the run of the same name in the results it is compared with.
 *
 * A gate holds or fails only where the repetitions show it at 5%: a relative one where the interval lies wholly on
 * one side of the limit and the Mann-Whitney test against the baseline at its limit, one-sided and corrected for
 * the number of relative checks (Holm), agrees; an absolute one by the sign test of the median. An absolute limit
 * compares nothing, so it is not corrected.
 *
 * @throws {UsageError} for a figure or a run that no results have.
 */
export function checkGates(
  gates: readonly Gate[],
  pairs: readonly { readonly run: Run; readonly against?: Run }[],
  seed: number,
): GateCheck[] {
  const applied = gates.flatMap((gate) => applyGate(gate, pairs));
  const relative = applied.filter((one): one is Applied & { against: number[] } => one.against !== undefined);
  const sides = relative.map(({ gate, values, against }) => beyondLimit(gate, values, against));
  const adjusted = {
    fails: adjustHolm(sides.map(({ fails }) => fails)),
    holds: adjustHolm(sides.map(({ holds }) => holds)),
  };
  return applied.map((one) => {
    const i = relative.indexOf(one as Applied & { against: number[] });
    if (i < 0) return checkAbsolute(one);
    const p = { fails: adjusted.fails[i]!, holds: adjusted.holds[i]! };
    return checkRelative(relative[i]!, p, relative.length, seed);
  });
}

interface Applied {
  readonly gate: Gate;
  readonly run: string;
  readonly values: number[];
  readonly against?: number[];
}

function applyGate(gate: Gate, pairs: readonly { run: Run; against?: Run }[]): Applied[] {
  const names = pairs.map(({ run }) => run.name);
  if (gate.run !== undefined && !names.includes(gate.run)) {
    throw new UsageError(`--gate ${gate.text}: there is no run ${gate.run}${didYouMean(gate.run, names)}`);
  }
  const asked = pairs.filter(({ run }) => gate.run === undefined || gate.run === run.name);
  if (gate.relative && asked.every(({ against }) => against === undefined)) {
    throw new UsageError(`--gate ${gate.text} is about a change: give the results to compare with first`);
  }
  const first = pairs.flatMap(({ run }) => measuredOf(run))[0];
  if (
    first !== undefined &&
    pairs.flatMap(({ run }) => measuredOf(run)).every((one) => !hasFigure(one, gate.figure))
  ) {
    const hint = didYouMean(gate.figure, figuresOf(first));
    throw new UsageError(`--gate ${gate.text}: there is no figure ${gate.figure}${hint}`);
  }
  // A gateway that a direct run does not have keeps any limit: that says nothing.
  const meant = gate.run === undefined && gate.figure.startsWith("gateway.")
    ? asked.filter(({ run }) => run.options.gateway !== null)
    : asked;
  return meant.flatMap(({ run, against }) => {
    if (gate.relative && against === undefined) return [];
    const values = (of: Run) => measuredOf(of).flatMap((one) => figureOf(one, gate.figure) ?? []);
    return [{
      gate,
      run: run.name,
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

/** One-sided p-values of the values lying beyond the limit, and within it. */
function beyondLimit(gate: Gate, values: number[], against: number[]): { fails: number; holds: number } {
  if (values.length === 0 || against.length === 0) return { fails: 1, holds: 1 };
  const atLimit = against.map((value) => value * (1 + gate.limit));
  const { pLess, pGreater } = testMannWhitney(values, atLimit);
  return gate.operator === ">=" ? { fails: pLess, holds: pGreater } : { fails: pGreater, holds: pLess };
}

function checkRelative(
  { gate, run, values, against }: Applied & { against: number[] },
  p: { fails: number; holds: number },
  checks: number,
  seed: number,
): GateCheck {
  const ratio = estimateRatio({ baseline: against, candidate: values, paired: false }, { seed });
  const limit = 1 + gate.limit;
  const low = gate.operator === ">=";
  const within = ratio !== undefined && (low ? ratio.low >= limit : ratio.high <= limit);
  const beyond = ratio !== undefined && (low ? ratio.high < limit : ratio.low > limit);
  const verdict = beyond && p.fails <= FALSE_ALARMS
    ? "fails"
    : within && p.holds <= FALSE_ALARMS
    ? "holds"
    : "cannot tell";
  const smallestP = (a: number, b: number) => smallestMannWhitneyP(a, b) / 2 * checks;
  let needed = 1;
  while (smallestP(needed, needed) > FALSE_ALARMS) needed++;
  const tooFew = Math.min(values.length, against.length) === 0 ||
    smallestP(values.length, against.length) > FALSE_ALARMS;
  return { gate, run, measured: ratio, verdict, ...(tooFew ? { repetitionsNeeded: needed } : {}) };
}

/** By the sign test, one-sided: the chance that as many values would lie on this side if the median were at the limit. */
function checkAbsolute({ gate, run, values }: Applied): GateCheck {
  const within =
    values.filter((value) => gate.operator === ">=" ? value >= gate.limit : value <= gate.limit).length;
  const verdict = signTail(values.length, values.length - within) <= FALSE_ALARMS
    ? "fails"
    : signTail(values.length, within) <= FALSE_ALARMS
    ? "holds"
    : "cannot tell";
  const needed = Math.ceil(Math.log2(1 / FALSE_ALARMS));
  return {
    gate,
    run,
    measured: estimateMedian(values),
    verdict,
    ...(values.length < needed ? { repetitionsNeeded: needed } : {}),
  };
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

/**
 * What gates come to in a bench that looks after each round, and stops once they are decided: see `looks.ts`.
 *
 * @module
 */

import { FALSE_ALARMS } from "./comparison.ts";
import { estimatesOf, type GateCheck, ratiosOfRounds } from "./gate_check.ts";
import type { AppliedGate } from "./gate_runs.ts";
import { estimateOf } from "./intervals.ts";
import { earliestDecision, FIRST_LOOK, LAST_LOOK, levelAt } from "./looks.ts";
import { countSignedRanks, countSigns, type SideCounts } from "./rank_tests.ts";

/**
 * Judges gates as `judgeGates` does, but after each round from `fewest` on, at the levels of `looks.ts`. A
 * gate that is said to hold or to fail at a look is decided, and stands as it was then. The tests for failing
 * are corrected together (Holm), those for holding are not. A gate of a run with a missing repetition never
 * holds, whatever an earlier look has shown.
 *
 * @param applied gates on figures by themselves, or on changes within the rounds.
 */
export function decideGates(applied: readonly AppliedGate[], fewest = FIRST_LOOK): GateCheck[] {
  const series = applied.map(seriesOf);
  const decided = new Map<number, Decision>();
  let failed = 0;
  for (let round = FIRST_LOOK; round <= LAST_LOOK; round++) {
    const open = () =>
      series.flatMap(({ counts, missing }, i) => {
        const look = counts[round - 1];
        if (look === undefined || decided.has(i) || round < Math.min(fewest, counts.length)) return [];
        return [{ i, missing, ps: sidesOf(look, applied[i]!) }];
      });
    const failing = () =>
      open().filter(({ ps }) => ps.fails <= levelAt(round, Math.max(1, applied.length - failed)));
    for (let shown = failing(); shown.length > 0; shown = failing()) {
      const parts = applied.length - failed;
      for (const { i } of shown) decided.set(i, { verdict: "fails", after: round, parts });
      failed += shown.length;
    }
    for (const { i, missing, ps } of open()) {
      if (missing > 0 || ps.holds > levelAt(round, 1)) continue;
      decided.set(i, { verdict: "holds", after: round, parts: applied.length - failed });
    }
  }
  const parts = Math.max(1, applied.length - failed);
  return applied.map((gate, i) => checkOf(gate, series[i]!, decided.get(i), parts));
}

interface Decision {
  readonly verdict: "holds" | "fails";
  /** After how many rounds. */
  readonly after: number;
  /** How many tests for failing shared the 5% then. */
  readonly parts: number;
}

interface Series {
  /** After each round that counts: the estimates by the side of the limit on which they lie. */
  readonly counts: readonly SideCounts[];
  /** Repetitions that lack the figure. Each counts as one beyond the limit. */
  readonly missing: number;
}

function seriesOf({ gate, values, against }: AppliedGate): Series {
  const missing = values.filter((value) => value === undefined).length;
  if (against === undefined) {
    const beyond = gate.operator === ">=" ? -Infinity : Infinity;
    return { counts: countSigns(values.map((value) => value ?? beyond), gate.limit), missing };
  }
  const worst = gate.operator === ">=" ? 0 : Infinity;
  const ratios = ratiosOfRounds(values, against).map((ratio) => ratio ?? worst);
  return { counts: countSignedRanks(ratios, 1 + gate.limit), missing };
}

/** The one-sided p-values of holding and of failing. What is exactly at the limit keeps to it. */
function sidesOf({ below, above, all, atMost }: SideCounts, { gate }: AppliedGate) {
  const beyond = gate.operator === ">=" ? below : above;
  return { holds: atMost(beyond), fails: atMost(all - beyond) };
}

function checkOf(
  applied: AppliedGate,
  { counts, missing }: Series,
  decision: Decision | undefined,
  openParts: number,
): GateCheck {
  const { gate, run, document, values } = applied;
  const { after, parts } = decision ?? { after: Math.min(LAST_LOOK, counts.length), parts: openParts };
  const [holding, failing] = [levelAt(after, 1), levelAt(after, parts)];
  const levels = gate.operator === ">=" ? { low: holding, high: failing } : { low: failing, high: holding };
  const interval = estimateOf(estimatesOf(firstRounds(applied, after)).measured, levels);
  const confidence = 1 - FALSE_ALARMS - FALSE_ALARMS / parts;
  const needed = earliestDecision(openParts);
  return {
    gate,
    run,
    ...(document === undefined ? {} : { document }),
    measured: interval && { ...interval, confidence: Math.min(interval.confidence, confidence) },
    verdict: decision?.verdict ?? "cannot tell",
    missing,
    repetitions: values.length,
    ...(decision === undefined && counts.length < needed ? { repetitionsNeeded: needed } : {}),
    decidedAfter: decision?.after ?? null,
  };
}

/** The gate as it was after the first rounds that count. */
function firstRounds(applied: AppliedGate, rounds: number): AppliedGate {
  const { values, against } = applied;
  let counted = 0;
  let end = 0;
  while (end < values.length && counted < rounds) {
    if (against === undefined || against[end] !== undefined) counted++;
    end++;
  }
  return {
    ...applied,
    values: values.slice(0, end),
    ...(against === undefined ? {} : { against: against.slice(0, end) }),
  };
}

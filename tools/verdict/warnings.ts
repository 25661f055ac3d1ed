/**
 * The warnings about a document: what stood in for what was asked for, what failed, what was not in force.
 *
 * @module
 */

import { ERROR_KINDS, type LoadErrors } from "../load/load.ts";
import { isMeasured, type Measured, measuredOf, type Results, type Run } from "../results/results.ts";
import { differingOptions } from "./comparison.ts";
import { forwardingOf } from "./forwarding.ts";
import { isInForce, knobsOf } from "./knobs.ts";
import { warnOfMachine } from "./machine_warnings.ts";
import { warnOfBalance } from "./unanswered.ts";
import { othersOf } from "./others.ts";
import type { Warning } from "./warning.ts";

/** All warnings about a document, in the order in which they matter. */
export function warningsOf(results: Results): Warning[] {
  const { environment: { load, lab }, runs, interrupted } = results;
  const because = ({ reason }: { readonly reason?: string }) => reason === undefined ? {} : { reason };
  return [
    ...(interrupted ? [{ kind: "interrupted", figures: {} } as const] : []),
    ...(lab.kind === "host" ? [{ kind: "host lab", figures: because(lab) } as const] : []),
    ...(load.name === "autocannon" ? [{ kind: "autocannon", figures: because(load) } as const] : []),
    ...runs.flatMap((
      run,
    ) => [
      ...warnOfKnobs(run),
      ...warnOfFailures(run),
      ...warnOfForwarding(run),
      ...warnOfBalance(run),
      ...warnOfTcp(run),
      ...warnOfOthers(run),
    ]),
    ...runs.flatMap((run) => warnOfOptions(run, runs.find(({ baseline }) => baseline))),
    ...warnOfMachine(results),
  ];
}

function warnOfKnobs(run: Run): Warning[] {
  return knobsOf(run).flatMap((knob): Warning[] => {
    const { host, key, asked, inForce, reason } = knob;
    if (isInForce(knob) && reason === undefined) return [];
    const figures = { host, key, asked, inForce, isInForce: isInForce(knob), reason: reason ?? knob.status };
    return [{ kind: "knob", run: run.name, figures }];
  });
}

function warnOfFailures(run: Run): Warning[] {
  const reasons = new Map<string, number>();
  for (const repetition of run.repetitions) {
    if (!isMeasured(repetition)) reasons.set(repetition.failed, (reasons.get(repetition.failed) ?? 0) + 1);
  }
  const errors = Object.fromEntries(
    ERROR_KINDS.map((kind) => [kind, totalOf(run, (repetition) => repetition.errors[kind])]),
  ) as unknown as LoadErrors;
  return [
    ...[...reasons].map(([reason, repetitions]): Warning => {
      const figures = { reason, repetitions, of: run.repetitions.length };
      return { kind: "failed repetitions", run: run.name, figures };
    }),
    ...(ERROR_KINDS.some((kind) => errors[kind] > 0)
      ? [{ kind: "failed requests", run: run.name, figures: errors } as const]
      : []),
  ];
}

function warnOfForwarding(run: Run): Warning[] {
  const figures = forwardingOf(run);
  return figures === undefined ? [] : [{ kind: "forwarding", run: run.name, figures }];
}

function warnOfTcp(run: Run): Warning[] {
  const drops = totalOf(run, ({ hosts }) => hosts.gateway.listenDrops ?? 0);
  const overflowed = totalOf(run, ({ hosts }) => hosts.gateway.timeWaitOverflowed ?? 0);
  return [
    ...(drops > 0 ? [{ kind: "listen drops", run: run.name, figures: { count: drops } } as const] : []),
    ...(overflowed > 0
      ? [{ kind: "time wait overflow", run: run.name, figures: { count: overflowed } } as const]
      : []),
  ];
}

function warnOfOthers(run: Run): Warning[] {
  const figures = othersOf(run);
  return figures === undefined ? [] : [{ kind: "opened by others", run: run.name, figures }];
}

function warnOfOptions(run: Run, baseline: Run | undefined): Warning[] {
  // What is swept is compared at the same values.
  if (run.swept !== undefined) return [];
  if (baseline === undefined || measuredOf(run).length === 0 || measuredOf(baseline).length === 0) return [];
  const differs = differingOptions(run, baseline);
  if (differs.length === 0) return [];
  return [{
    kind: "compared across options",
    run: run.name,
    figures: { baseline: baseline.name, differs },
  }];
}

function totalOf(run: Run, of: (repetition: Measured) => number): number {
  return measuredOf(run).reduce((sum, repetition) => sum + of(repetition), 0);
}

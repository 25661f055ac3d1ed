/**
 * The warnings about a document: what stood in for what was asked for, what failed, what was not in force.
 *
 * @module
 */

import { ERROR_KINDS, type LoadErrors } from "../load/load.ts";
import {
  type Environment,
  isMeasured,
  type Measured,
  measuredOf,
  type Results,
  type Run,
} from "../results/results.ts";
import { clientOutOfPorts } from "./client_ports.ts";
import { differingOptions } from "./comparison.ts";
import { forwardingOf } from "./forwarding.ts";
import type { GatewaySides } from "../observe/gateway_sides.ts";
import type { UpstreamFailure } from "../observe/upstream_failures.ts";
import { isInForce, knobsOf } from "./knobs.ts";
import { warnOfMachine } from "./machine_warnings.ts";
import { warnOfBalance } from "./unanswered.ts";
import { othersOf } from "./others.ts";
import type { Warning } from "./warning.ts";

/** All warnings about a document, in the order in which they matter. */
export function warningsOf(results: Results): Warning[] {
  const { environment: { load, lab, notWatched = [] }, runs, interrupted } = results;
  const because = ({ reason }: { readonly reason?: string }) => reason === undefined ? {} : { reason };
  return [
    ...(interrupted ? [{ kind: "interrupted", figures: {} } as const] : []),
    ...(lab.kind === "host" ? [{ kind: "host lab", figures: because(lab) } as const] : []),
    ...(lab.kind === "remote" ? [{ kind: "given hosts", figures: { notWatched } } as const] : []),
    ...(load.name === "autocannon" ? [{ kind: "autocannon", figures: because(load) } as const] : []),
    ...runs.flatMap((
      run,
    ) => [
      ...warnOfKnobs(run),
      ...warnOfFailures(run),
      ...warnOfForwarding(run),
      ...warnOfBalance(run),
      ...warnOfLog(run),
      ...warnOfClientPorts(run, results.environment),
      ...warnOfBaseline(run),
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

/** What the gateway's log says, added up over the repetitions. */
function warnOfLog(run: Run): Warning[] {
  const kinds = new Map<string, UpstreamFailure>();
  for (const failure of measuredOf(run).flatMap(({ upstreamFailures = [] }) => upstreamFailures)) {
    const kind = `${failure.code} ${failure.step}`;
    const { count = 0, firstMs = Infinity, ...before } = kinds.get(kind) ?? {};
    kinds.set(kind, {
      ...failure,
      ...before,
      count: count + failure.count,
      firstMs: Math.min(firstMs, failure.firstMs),
    });
  }
  if (kinds.size === 0) return [];
  const failures = [...kinds.values()].toSorted((a, b) => b.count - a.count);
  return [{ kind: "logged failures", run: run.name, figures: { failures } }];
}

function warnOfClientPorts(run: Run, environment: Environment): Warning[] {
  const figures = clientOutOfPorts(run, environment);
  return figures === undefined ? [] : [{ kind: "client out of ports", run: run.name, figures }];
}

/** What stood before the load, and so is in none of its figures. */
function warnOfBaseline(run: Run): Warning[] {
  const most = (of: (sides: GatewaySides) => number) =>
    Math.max(0, ...measuredOf(run).map(({ sides }) => sides === undefined ? 0 : of(sides)));
  const openedAtStart = most((sides) => sides.openedAtStart);
  const ofOthersBefore = most((sides) => sides.ofOthersBefore);
  return [
    ...(openedAtStart > 0
      ? [{ kind: "opened at start", run: run.name, figures: { count: openedAtStart } } as const]
      : []),
    ...(ofOthersBefore > 0
      ? [{ kind: "stood before", run: run.name, figures: { count: ofOthersBefore } } as const]
      : []),
  ];
}

function warnOfTcp(run: Run): Warning[] {
  const drops = totalOf(run, ({ hosts }) => hosts.gateway?.listenDrops ?? 0);
  const overflowed = totalOf(run, ({ hosts }) => hosts.gateway?.timeWaitOverflowed ?? 0);
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

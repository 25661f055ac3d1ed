/**
 * Runs that are one run of the scenario at several values, as one.
 *
 * @module
 */

import type { Results, Run } from "../results/results.ts";
import type { Findings } from "../verdict/findings.ts";
import type { WarningKind } from "../verdict/warning.ts";

/**
 * The findings and results with one run for each series, where only the load was varied: what else the runs
 * were told is the same. A bisection also lets the backend take longer for more connections: there the run
 * with the fewest stands for its series.
 */
export function onePerSeries(findings: Findings, results: Results): [Findings, Results] {
  const { runs } = results;
  const isOfLoad = runs.every(({ swept = [], options }) => swept.every(({ name }) => name in options.load));
  if (!isOfLoad) return [findings, results];
  const value = ({ swept }: Run) => swept?.[0]?.value ?? 0;
  const series = [...Map.groupBy(runs, (run) => run.series ?? run.name)].map(([name, some]) => {
    const first = some.toSorted((a, b) => value(a) - value(b))[0]!;
    return { name, first, repetitions: some.flatMap(({ repetitions }) => repetitions) };
  });
  return [
    {
      ...findings,
      runs: series.map(({ name, first }) => ({ ...findings.runs[runs.indexOf(first)]!, name })),
    },
    { ...results, runs: series.map(({ name, first, repetitions }) => ({ ...first, name, repetitions })) },
  ];
}

/** What a bisection brings about itself, as it goes beyond the limit that it looks for. */
const EXPECTED: readonly WarningKind[] = [
  "cpus full",
  "failed requests",
  "backend at its limit",
  "load at its limit",
  "connections too few",
  "requests late",
  "requests unsent",
  "unanswered",
  "outlier",
  "listen drops",
];

/** The findings without the warnings that every bisection would raise. */
export function withoutExpected(findings: Findings): Findings {
  return { ...findings, warnings: findings.warnings.filter(({ kind }) => !EXPECTED.includes(kind)) };
}

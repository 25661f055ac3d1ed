/**
 * The table of figures, and the caption that says how to read it.
 *
 * @module
 */

import type { Results } from "../../results/results.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import { CONFIDENCE, estimateMedian } from "../../verdict/intervals.ts";
import { FIRST_LOOK, LAST_LOOK } from "../../verdict/looks.ts";
import { describeByRun, sayByRun } from "../by_run.ts";
import { columnsOf } from "../columns.ts";
import { formatShare } from "../format.ts";
import {
  countAbandoned,
  describeAmount,
  describeLoop,
  describeRequests,
  nameLoad,
  sayLateness,
} from "../load.ts";
import { renderRows } from "../table.ts";

/** The table. Where the runs differ in their load, its second column is the load. */
export function renderFigures({ baseline, runs }: Findings, results: Results): string[] {
  const loads = results.runs.map(({ options }) => nameLoad(options.load));
  const differ = sayByRun(results.runs, ({ load }) => JSON.stringify(load)).length > 1;
  const columns = columnsOf(runs);
  const rows = runs.map((run, i) => {
    const name = [`\`${run.name}\`${run.baseline ? " (baseline)" : ""}`, ...(differ ? [loads[i]!] : [])];
    if (run.measured > 0) return [...name, ...columns.map((column) => column.cell(run))];
    const why = run.failed === 0 ? "not measured" : "**failed**";
    return [...name, why, ...columns.slice(1).map(() => "–")];
  });
  const against = baseline === undefined ? "the baseline" : `\`${baseline}\``;
  const headers = columns.map(({ header }) => header.replace("{baseline}", () => against));
  const texts = differ ? ["run", "load"] : ["run"];
  return renderRows([...texts, ...headers], rows, texts.length);
}

/** The caption: how sure the figures are, what they count, what the load was. */
export function renderCaption({ runs }: Findings, results: Results): string[] {
  const amounts = describeByRun(results.runs, ({ load }) => describeAmount(load));
  const loops = describeByRun(results.runs, ({ load }) => describeLoop(load));
  const requests = describeByRun(results.runs, ({ load }) => describeRequests(load)).filter((text) =>
    text !== ""
  );
  const loads = [...loops, ...requests, ...countAbandoned(results.runs), ...sayLateness(results.runs)];
  const reading = [
    ...explainFigures(runs, results),
    "Requests/s counts answers in time with 2xx or 3xx: higher is better there, lower in every other column.",
  ];
  return amounts.length === 1 ? [[...reading, ...amounts, ...loads].join(" ")] : [
    [...reading, ...loads, "The runs differ in their load:"].join(" "),
    "",
    ...amounts.map((amount) => `- ${amount}`),
  ];
}

/** How sure the intervals are, and what was tested how. */
function explainFigures(runs: readonly RunFindings[], results: Results): string[] {
  const measured = runs.filter((run) => run.measured > 0);
  if (measured.length === 0) return [];
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  if (measured.every((run) => run.measured === 1)) {
    return [`One repetition each: no uncertainty is known.${whyFewer(failed, results)}`];
  }
  const tested = runs.filter(({ comparison }) => comparison?.ratio !== undefined);
  const medians = `${
    explainMedians(measured.map(({ name, measured }) => ({ said: `\`${name}\``, measured })))
  }${whyFewer(failed, results)}`;
  if (tested.length === 0) return [medians];
  return [
    medians,
    `The loss is the middle of the losses within the rounds (Hodges and Lehmann's estimate); ${
      sayCoverage(tested, results)
    }. In a round all runs are measured one after the other, in a random order.`,
    ...explainTests(tested, results),
  ];
}

/**
 * How many repetitions the medians are of, and how surely their intervals hold the true one.
 *
 * @param runs what to call each, and its measured repetitions.
 */
export function explainMedians(
  runs: readonly { readonly said: string; readonly measured: number }[],
): string {
  const groups = Map.groupBy(runs, (run) => run.measured);
  const parts = [...groups].map(([measured, group]) => {
    const of = groups.size === 1 ? "" : ` (${group.map(({ said }) => said).join(", ")})`;
    if (measured === 1) return `1 repetition${of}, without an interval`;
    const { confidence } = estimateMedian(Array.from({ length: measured }, (_, i) => i))!;
    const what = confidence < 0.95
      ? "intervals from the lowest to the highest, which hold the true median"
      : "intervals that hold the true median";
    return `${measured} repetitions${of}, with ${what} in ${formatShare(confidence)} of benches`;
  });
  return `Medians of ${parts.join("; of ")}.`;
}

function namesOf(runs: readonly Pick<RunFindings, "name">[]): string {
  return runs.map(({ name }) => `\`${name}\``).join(", ");
}

/** With what confidence each interval of a loss holds the true one, by run where they differ. */
function sayCoverage(tested: readonly RunFindings[], { method }: Results): string {
  // Of a bench that stops by the width of its intervals, which makes them err more often.
  const most = (method?.until ?? null) === null ? 1 : CONFIDENCE;
  const groups = Map.groupBy(
    tested,
    ({ comparison }) => formatShare(Math.min(most, comparison!.ratio!.confidence)),
  );
  if (groups.size === 1) return `its interval holds the true one in ${[...groups.keys()][0]} of benches`;
  const parts = [...groups].map(([share, group]) => `${share} of benches (${namesOf(group)})`);
  return `its interval holds the true one in ${parts.join(", ")}`;
}

function explainTests(tested: readonly RunFindings[], { method }: Results): string[] {
  const lacking = tested.filter(({ comparison }) => comparison!.verdict === "too few repetitions");
  const able = tested.filter((run) => !lacking.includes(run));
  const sentences: string[] = [];
  if (lacking.length > 0) {
    const needed = lacking[0]!.comparison!.repetitionsNeeded;
    const of = able.length === 0 ? "" : ` of ${namesOf(lacking)}`;
    const enough = method !== undefined && (method.decide !== undefined || method.repeat >= needed)
      ? `${needed} rounds in which both runs were measured would be enough`
      : `\`--repeat ${needed}\` would be enough`;
    sentences.push(`**Too few repetitions to show a difference**${of}, however large: ${enough}.`);
  }
  if (able.length === 0) return sentences;
  if (method?.decide !== undefined) return [...sentences, ...explainDecisions(able, method)];
  const until = (method?.until ?? null) !== null;
  const corrected = able.length === 1 ? "" : `, corrected for ${able.length} comparisons (Holm)`;
  sentences.push(
    `A loss or gain without "no difference shown" is shown at ${
      until ? "2.5%" : "5%"
    }: exact Wilcoxon signed-rank test ` +
      `of the rounds${corrected}. The interval is that of the test: it leaves out 0% exactly where a difference is shown.`,
  );
  if (until) {
    sentences.push(
      "The bench chose when to stop by the width of these intervals, which makes them err more often: so they are made for " +
        "97.5%, of which at least 95% are left.",
    );
  }
  return sentences;
}

/** What a bench has decided that looked after each round, and how sure that is. */
function explainDecisions(able: readonly RunFindings[], { repeat }: Results["method"]): string[] {
  const groups = Map.groupBy(able, ({ comparison }) => {
    const { decidedAfter, repetitions } = comparison!;
    return (decidedAfter ?? null) === null
      ? `**not decided** after ${repetitions} rounds`
      : `**decided after ${decidedAfter} rounds**`;
  });
  const parts = [...groups].map(([what, group]) => groups.size === 1 ? what : `${what}: ${namesOf(group)}`);
  const corrected = able.length === 1 ? "" : `, corrected for ${able.length} comparisons (Holm)`;
  return [
    `${capital(parts.join("; "))}.`,
    `The bench looked after each round from round ${
      Math.max(FIRST_LOOK, repeat)
    } on, ${LAST_LOOK} at most, and a loss or ` +
    `gain that was shown at a look stands as it was then. Exact Wilcoxon signed-rank tests of the rounds, at levels that ` +
    `raise a false alarm in at most 5% of benches over all looks together${corrected}. The interval is that of the test and ` +
    "of all looks: it holds the true loss however the bench came to stop, and leaves out 0% exactly where a difference is shown.",
  ];
}

function whyFewer(failed: number, { interrupted }: Results): string {
  const reasons = [
    ...(failed > 0 ? [`${failed} ${failed === 1 ? "repetition" : "repetitions"} failed`] : []),
    ...(interrupted ? ["the bench was stopped before all was measured"] : []),
  ];
  return reasons.length === 0 ? "" : ` ${capital(reasons.join(", and "))}.`;
}

function capital(text: string): string {
  if (text.startsWith("**")) return `**${capital(text.slice(2))}`;
  return `${text[0]!.toUpperCase()}${text.slice(1)}`;
}

/**
 * A sweep: its answer, its table and its knees.
 *
 * @module
 */

import type { Results, Run } from "../../results/results.ts";
import { baselineOf } from "../../verdict/comparison.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import type { Interval } from "../../verdict/intervals.ts";
import { type Knee, KNEE_SHARE, kneeOf } from "../../verdict/knee.ts";
import { curvesOf, ratioAtSameValues } from "../../verdict/sweep.ts";
import { describeByRun } from "../by_run.ts";
import { intervalCell } from "../cells.ts";
import { formatCount, formatMs, formatRatio, formatRough, formatShare } from "../format.ts";
import { describeLoop } from "../load.ts";
import { code, prose } from "../markdown.ts";
import { headSetting, saySetting } from "../setting.ts";
import { renderRows } from "../table.ts";
import { explainMedians } from "./figures.ts";
import { renderCauses } from "./causes.ts";

/** The title, the answer, and where it comes from. */
export function renderSweepHeadline(findings: Findings, results: Results): string[] {
  const stopped = results.interrupted ? "Stopped before all was measured: " : "";
  return [
    `# ${prose(results.question)}`,
    "",
    `${stopped}${answer(findings, results)}`,
    "",
    `Scenario ${code(results.scenario)}, measured on ${results.startedAt.slice(0, 10)}.`,
  ];
}

function answer({ runs }: Findings, results: Results): string {
  if (runs.every(({ measured }) => measured === 0)) {
    return "no run could be measured: see the warnings below.";
  }
  const knees = kneesOf(results);
  if (knees.length > 0) return `${knees.map(sayKnee).join("; ")}.`;
  const names = [...new Set(curvesOf(results).map(({ name }) => headSetting(name)))];
  return `No gateway was measured at more than one value; the table shows each run over ${
    names.join(" and ")
  }.`;
}

function kneesOf(results: Results): Knee[] {
  return curvesOf(results).map(kneeOf).filter((knee) => knee !== undefined);
}

function sayKnee({ label, name, wanted, holds, fails, shareThere }: Knee): string {
  const subject = `\`${label}\``;
  const opens = fails === undefined
    ? ""
    : `at ${saySetting(name, fails)} it opens a new connection for ${
      formatRough(Math.min(1, shareThere!))
    } of its requests`;
  if (holds === undefined) return `${subject} keeps its connections at no value that was measured: ${opens}`;
  if (fails === undefined) return `${subject} keeps its connections at every value that was measured`;
  const range = wanted === "largest" ? "up to" : "from";
  return `${subject} keeps its connections ${range} ${saySetting(name, holds)}, and ${opens}`;
}

/** The table: one row for each run at each value. */
export function renderSweepTable(findings: Findings, results: Results): string[] {
  const names = [...new Set(results.runs.flatMap(({ swept }) => (swept ?? []).map(({ name }) => name)))];
  const baseline = baselineOf(results);
  const against = baseline === undefined ? "the baseline" : `\`${baseline.series ?? baseline.name}\``;
  const fails = findings.runs.some(({ figures }) => (figures.failedRequests?.high ?? 0) > 0);
  const headers = [
    ...["requests/s", `loss against ${against} at the same value`, "p99 ms"],
    ...(fails ? ["failed requests"] : []),
    ...["new connections per request", "TIME_WAIT on the gateway, peak"],
  ];
  const rows = results.runs.map((run, i) => {
    const found = findings.runs[i]!;
    const values = names.map((name) => {
      const value = run.swept?.find((one) => one.name === name)?.value;
      return value === undefined ? "–" : formatCount(value);
    });
    return [`\`${run.series ?? run.name}\``, ...values, ...cellsOf(run, found, results, { fails })];
  });
  return renderRows(["run", ...names.map(headSetting), ...headers], rows);
}

function cellsOf(
  run: Run,
  { measured, failed, figures }: RunFindings,
  { runs }: Results,
  { fails }: { readonly fails: boolean },
): string[] {
  if (measured === 0) {
    return [failed === 0 ? "not measured" : "**failed**", ...Array(fails ? 5 : 4).fill("–")];
  }
  return [
    intervalCell(figures.servedPerSec, formatCount),
    lossCell(ratioAtSameValues(run, runs)),
    intervalCell(figures.latencyP99Us, formatMs),
    ...(fails ? [intervalCell(figures.failedRequests, formatCount)] : []),
    intervalCell(figures.openedPerRequest, formatRatio),
    intervalCell(figures.timeWaitPeak, formatCount),
  ];
}

function lossCell(ratio: Interval | undefined): string {
  if (ratio === undefined) return "–";
  const { estimate, low, high, confidence } = ratio;
  return estimate > 1
    ? `gain of ${
      intervalCell({ estimate: estimate - 1, low: low - 1, high: high - 1, confidence }, formatShare)
    }`
    : intervalCell({ estimate: 1 - estimate, low: 1 - high, high: 1 - low, confidence }, formatShare);
}

/** How the table is read. */
export function renderSweepCaption({ runs }: Findings, results: Results): string[] {
  const measured = runs.filter((run) => run.measured > 0);
  if (measured.length === 0) return [];
  const counts = [...new Set(measured.map(({ measured }) => measured))].toSorted((a, b) => a - b);
  const medians = counts.length === 1 && counts[0] === 1
    ? "One repetition each: no uncertainty is known."
    : explainMedians(counts.map((measured) => ({ said: `runs with ${measured}`, measured })));
  const compared = results.runs.some((run) => ratioAtSameValues(run, results.runs) !== undefined);
  const baseline = baselineOf(results)!;
  const loops = describeByRun(results.runs, ({ load }) => describeLoop(load));
  return [
    [
      medians,
      ...(compared
        ? [
          `Each run is compared with \`${
            baseline.series ?? baseline.name
          }\` at the same value, round by round; the ` +
          "intervals of the losses stand each for itself, and no difference was tested: to show one, measure that value by itself.",
        ]
        : []),
      "Requests/s counts answers in time with 2xx or 3xx.",
      ...(loops.length === 1 ? loops : []),
    ].join(" "),
  ];
}

/** The knee of each run with a gateway, and what it says. */
export function renderKnees(_findings: Findings, results: Results): string[] {
  const knees = kneesOf(results);
  if (knees.length === 0) return [];
  const ofConnections = knees.some(({ name }) => name === "connections");
  return [
    "## The knee",
    "",
    ...knees.map((knee) => `- ${explainKnee(knee)}`),
    "",
    `A run keeps its connections where it opens fewer than ${KNEE_SHARE} connections per request.` +
    (ofConnections
      ? " The knee over connections is the *effective* size of a pool, whatever its configuration says: several gates, " +
        "workers with a pool each, and idle timeouts are in it. `--find connections` finds it within 10%."
      : ""),
  ];
}

function explainKnee(knee: Knee): string {
  const { label, name, wanted, holds, fails, shareThere, sure, surelyNot, openedThere } = knee;
  const said = (value: number) => saySetting(name, value);
  const subject = `\`${label}\``;
  if (holds === undefined) {
    return `${subject} opens ${formatRatio(shareThere!)} connections per request at ${
      said(fails!)
    } already: the knee ` +
      `lies ${wanted === "largest" ? "below" : "above"} what was measured.`;
  }
  if (fails === undefined) {
    const holding = name === "connections"
      ? `its pool holds at least ${said(holds)}`
      : "the knee lies beyond";
    return `${subject} keeps its connections at every value: ${holding}.${
      sayOpenedThere(openedThere, holds)
    }`;
  }
  const ends = [holds, fails].toSorted((a, b) => a - b).map(formatCount);
  const claim = name === "connections"
    ? `the pool of ${subject} holds ${said(holds)}`
    : `${subject} keeps its connections ${wanted === "largest" ? "up to" : "from"} ${said(holds)}`;
  const repetitions = sure === holds && surelyNot === fails
    ? "in every repetition"
    : `in the median; ${
      sure === undefined ? "at no value did every repetition" : `every repetition did so at ${said(sure)}`
    }` +
      `, ${surelyNot === undefined ? "and at each value some did" : `none at ${said(surelyNot)}`}`;
  return `**${claim[0]!.toUpperCase()}${claim.slice(1)}**: the knee lies between ${ends[0]} and ${
    ends[1]
  }, where it opens ` +
    `${formatRatio(shareThere!)} connections per request (${repetitions}).${
      sayOpenedThere(openedThere, holds)
    }`;
}

function sayOpenedThere(opened: number | undefined, connections: number): string {
  return opened === undefined
    ? ""
    : ` At ${saySetting("connections", connections)} it opened ${
      formatCount(opened)
    } all the same: its pool is ` +
      "smaller, and this load, whose connections are seldom all idle at once, hardly shows it.";
}

/** What happens on both sides of each knee. */
export function renderWhyAtKnees(findings: Findings, results: Results): string[] {
  const wanted = new Set(
    curvesOf(results).flatMap((curve) => {
      const knee = kneeOf(curve);
      return curve.points.filter(({ value }) => value === knee?.holds || value === knee?.fails);
    }).map(({ run }) => run),
  );
  const isWanted = ({ name }: { readonly name: string }) => wanted.has(name);
  return renderCauses({ ...findings, runs: findings.runs.filter(isWanted) }, {
    ...results,
    runs: results.runs.filter(isWanted),
  });
}

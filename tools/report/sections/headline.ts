/**
 * The title, and the answer in one sentence.
 *
 * @module
 */

import { isMeasured, type Results } from "../../results/results.ts";
import type { AdviceVerdict } from "../../verdict/advice.ts";
import type { CauseName } from "../../verdict/causes.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import type { Interval } from "../../verdict/intervals.ts";
import type { SelfCheck } from "../../verdict/self_check.ts";
import { intervalCell } from "../cells.ts";
import { sayCause } from "./cause_words.ts";
import { code, prose } from "../markdown.ts";
import { formatChange, formatCount, formatRough } from "../format.ts";

/** From this share of failed requests on, the answer speaks of them. */
const FAILED_SHARE = 0.001;

/** From this ratio on, a run is said to serve so many times as much. */
const TIMES_FROM = 2;

const SERVES_NOTHING = "answers no request in time with 2xx or 3xx";

/** The title, the answer, and where it comes from. */
export function renderHeadline(findings: Findings, results: Results): string[] {
  return [
    `# ${prose(results.question)}`,
    "",
    answer(findings, results),
    "",
    `Scenario ${code(results.scenario)}, measured on ${results.startedAt.slice(0, 10)}.`,
  ];
}

function answer(findings: Findings, results: Results): string {
  const stopped = results.interrupted ? "Stopped before all was measured: " : "";
  if (findings.runs.every(({ measured }) => measured === 0)) {
    return `${stopped || "Failed: "}${whyNothing(results)}`;
  }
  if (findings.selfCheck !== undefined) return stopped + sayCheck(findings.selfCheck);
  const advised = findings.runs.filter(({ advice }) => advice !== undefined);
  const sentence = advised.length > 0 ? sayAdvice(findings, advised) : sayRuns(findings);
  return `${stopped}${sentence}`;
}

function whyNothing({ runs }: Results): string {
  const reasons = runs.flatMap(({ repetitions }) => repetitions)
    .flatMap((repetition) => isMeasured(repetition) ? [] : [repetition.failed]);
  const [first] = reasons;
  if (first === undefined) return "nothing was measured.";
  const others = reasons.every((reason) => reason === first) ? "" : ", and for other reasons below";
  return `no run could be measured: ${prose(first)}${others}.`;
}

/** The verdicts in the order in which a reader wants them. */
const VERDICTS: readonly AdviceVerdict[] = [
  "cure",
  "painkiller",
  "placebo",
  "harmful",
  "masked",
  "not masked",
  "not in force",
  "nothing to cure",
];

function sayAdvice({ baseline, runs }: Findings, advised: readonly RunFindings[]): string {
  const parts = VERDICTS.flatMap((verdict) => {
    const names = advised.filter(({ advice }) => advice!.verdict === verdict).map(nameOf);
    return names.length === 0 ? [] : [`${verdict}: ${names.join(", ")}`];
  });
  const missing = runs.filter(({ measured }) => measured === 0).map(nameOf);
  if (missing.length > 0) parts.push(`not measured: ${missing.join(", ")}`);
  const worst = runs.find(({ baseline }) => baseline);
  const cause = worst === undefined ? undefined : causeOf(worst);
  const why = cause === undefined ? "" : `${nameOf(worst!)}: ${cause}. `;
  return `${why}**Against \`${baseline}\`** – ${parts.join("; ")}.`;
}

function sayRuns({ runs }: Findings): string {
  const baseline = runs.find((run) => run.baseline);
  const others = runs.filter((run) => run !== baseline);
  const clauses = baseline === undefined ? [] : sayBaseline(baseline, others.length > 0);
  // The baseline is named once: what follows is compared with it as well.
  let unnamed = baseline?.name;
  for (const run of others) {
    if (run.measured === 0) {
      clauses.push(`${nameOf(run)} was not measured`);
      continue;
    }
    const speed = sayCompared(run, unnamed);
    if (speed !== undefined) unnamed = undefined;
    const subject = `${nameOf(run)}${aside(run)} ${speed ?? sayServed(run)}`;
    clauses.push(joinClause(subject, behaviour(run)));
  }
  const compared = others.flatMap(({ comparison }) => comparison?.ratio === undefined ? [] : [comparison]);
  const tooFew = compared.length > 0 && compared.every(({ verdict }) => verdict === "too few repetitions");
  return `${clauses.join("; ")}.${
    tooFew ? " The repetitions are too few to show that a difference is more than chance." : ""
  }`;
}

/** What is said of the baseline; nothing of one that went direct and served without failures. */
function sayBaseline(run: RunFindings, hasOthers: boolean): string[] {
  const subject = hasOthers ? `${nameOf(run)}, the baseline,` : nameOf(run);
  if (run.measured === 0) return [`${subject} was not measured, so that there is nothing to compare with`];
  if (hasOthers && !run.hasGateway && run.failedShare < FAILED_SHARE && !servesNothing(run)) return [];
  return [joinClause(`${subject} ${sayServed(run)}`, behaviour(run))];
}

/** A subject with what it does: `… and keeps its connections`, with the cause behind a colon. */
function joinClause(subject: string, { does, cause }: Behaviour): string {
  const parts = [subject, ...does];
  const text = parts.length === 1 ? subject : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
  return cause === undefined ? text : `${text}: ${cause}`;
}

/**
 * How a run's requests per second compare with the baseline's, which is named unless `undefined`; `undefined`
 * where they cannot be compared.
 */
function sayCompared({ comparison }: RunFindings, baseline: string | undefined): string | undefined {
  if (comparison?.ratio === undefined) return undefined;
  const { ratio: { estimate }, verdict } = comparison;
  const name = (preposition: string) => baseline === undefined ? "" : ` ${preposition} \`${baseline}\``;
  if (verdict === "no difference shown") {
    return `shows no difference in requests/s${name("from")}${sayBounds(comparison.ratio)}`;
  }
  if (estimate === 0) return SERVES_NOTHING;
  if (estimate >= TIMES_FROM) {
    const times = estimate < 10 ? estimate.toFixed(1) : formatCount(estimate);
    return `serves ${times} times the requests/s${name("of")}`;
  }
  const share = formatRough(Math.abs(estimate - 1));
  if (share === formatRough(0)) return `serves as many requests/s${name("as")}`;
  return `serves ${share} ${estimate < 1 ? "fewer" : "more"} requests/s${name("than")}`;
}

/** Between what the true difference lies where none is shown: how much worse a run can be at most. */
function sayBounds({ low, high }: Interval): string {
  return ` (it serves at most ${formatRough(1 - low)} fewer and ${formatRough(high - 1)} more)`;
}

/** What else is to be known of a run before its figures. */
function aside({ differs, failed, measured }: RunFindings): string {
  const parts = [
    ...(differs.length === 0 ? [] : [`under another ${differs.join(" and ")}`]),
    ...(failed === 0 ? [] : [`measured in ${measured} of ${measured + failed} repetitions`]),
  ];
  return parts.length === 0 ? "" : `, ${parts.join(", ")},`;
}

interface Behaviour {
  /** What the run does with its connections and requests, each with its verb. */
  readonly does: readonly string[];
  /** Why, where that is known. */
  readonly cause?: string | undefined;
}

function behaviour(run: RunFindings): Behaviour {
  const { churn, failedShare } = run;
  const does: string[] = [];
  const fails = failedShare >= FAILED_SHARE && !servesNothing(run) ? [sayFailed(failedShare)] : [];
  if (run.unanswered !== undefined) fails.push(`leaves ${formatCount(run.unanswered)} requests unanswered`);
  if (churn === undefined) return { does: fails };
  if (!churn.forwards && failedShare < FAILED_SHARE) {
    return { does: ["answers most of its requests without asking the backend"] };
  }
  const opens = churn.openedByOthers === undefined
    ? sayOpened(churn.openedPerRequest)
    : "opens connections, some of which may be other programs'";
  switch (churn.outcome) {
    case "churning":
      if (churn.portsFailed > 0) does.push("runs out of ephemeral ports");
      does.push(opens);
      break;
    case "not closed":
      does.push(`${opens} without closing them`);
      break;
    case "kept":
      does.push(keeps(run) ? "keeps its connections" : opens);
      break;
    case "none opened":
      // A gateway that answers by itself needs no connection.
      if (churn.forwards) does.push("keeps its connections");
  }
  return { does: [...fails, ...sayForwarding(run), ...does], cause: causeOf(run) ?? sayCpuLimit(run) };
}

/** What is to be known before a gateway is praised that does not ask the backend once for each request. */
function sayForwarding({ forwarding }: RunFindings): string[] {
  if (forwarding === undefined) return [];
  const { kind, share } = forwarding;
  return [
    kind === "by itself"
      ? `answers ${formatRough(share)} of its requests without asking the backend`
      : `asks the backend ${formatRough(share)} more often than it is asked`,
  ];
}

/** The most causes that the answer names: the others stand below, with their evidence. */
const MOST_CAUSES = 2;

/** The surest causes in words; `undefined` where the pool fits, and where nothing is known. */
function causeOf({ causes }: RunFindings): string | undefined {
  const named = causes.filter(({ cause }) => cause !== "none");
  const [first] = named;
  if (first === undefined) return undefined;
  const alike = named.filter(({ sure }) => (sure === "possible") === (first.sure === "possible"));
  const words = alike.slice(0, MOST_CAUSES).map(sayCause);
  return first.sure !== "possible"
    ? words.join(", and ")
    : words.length > 1
    ? `either ${words.join(", or ")}`
    : `perhaps ${words[0]}`;
}

/** That a pool which fits is not what costs requests. `undefined` where that is not so. */
function sayCpuLimit({ comparison, gatewayCpu, causes }: RunFindings): string | undefined {
  const loses = comparison?.verdict === "lower";
  const fits = causes.length > 0 && causes.every(({ cause }) => cause === "none");
  return loses && fits && gatewayCpu?.limits === true
    ? "the gateway's CPU is the limit here, not its pool"
    : undefined;
}

/** Causes under which connections to the backend are kept all the same. */
const KEEPING: readonly CauseName[] = ["none", "cap", "client-side", "accept-queue", "descriptors-exhausted"];

function keeps({ causes }: RunFindings): boolean {
  return causes.every(({ cause }) => KEEPING.includes(cause));
}

function sayOpened(openedPerRequest: number): string {
  if (openedPerRequest > 1.05) return `opens ${openedPerRequest.toFixed(1)} new connections for each request`;
  return openedPerRequest > 0.995
    ? "opens a new connection for each request"
    : `opens a new connection for ${formatRough(openedPerRequest)} of its requests`;
}

function sayFailed(failedShare: number): string {
  if (failedShare > 1) return "has more failures than answers";
  return failedShare > 0.9995
    ? "fails all of its requests"
    : `fails ${formatRough(failedShare)} of its requests`;
}

function sayServed(run: RunFindings): string {
  if (servesNothing(run)) return SERVES_NOTHING;
  return `serves ${formatCount(run.figures.servedPerSec!.estimate)} requests/s`;
}

function servesNothing({ figures: { servedPerSec } }: RunFindings): boolean {
  return servedPerSec !== undefined && servedPerSec.estimate === 0;
}

function nameOf({ name }: RunFindings): string {
  return `\`${name}\``;
}

function sayCheck({ verdict, runs: [a, b], comparison: { ratio, repetitionsNeeded } }: SelfCheck): string {
  const change = `\`${b}\` has ${intervalCell(ratio, (value) => formatChange(value - 1))} requests/s`;
  switch (verdict) {
    case "cannot tell":
      return `**The self-check cannot tell**: the repetitions are too few to show any difference between \`${a}\` and ` +
        `\`${b}\`, which are the same; \`--repeat ${repetitionsNeeded}\` would be enough.`;
    case "passed":
      return `**The self-check passed**: no difference is shown between \`${a}\` and \`${b}\`, which are the same; ` +
        `${change}. A difference within that interval would not be seen.`;
    case "false alarm":
      return `**The self-check failed, a false alarm**: a difference is shown between \`${a}\` and \`${b}\`, which are ` +
        `the same; ${change}. One check in twenty may raise a false alarm. If the next check raises one too, something on ` +
        "this machine favours a run by its name or its place, and comparisons made here cannot be trusted.";
  }
}

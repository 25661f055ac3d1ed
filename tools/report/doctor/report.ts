/**
 * The doctor's report: what a capture shows, in words.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import { showControls } from "../../errors.ts";
import { code, prose } from "../markdown.ts";
import { renderAnswer, sayHarmless, sayProblem } from "./headline.ts";
import { renderCost, renderKnobs, renderOthers, renderRates, renderUnknown } from "./remarks.ts";
import { renderRemedies } from "./remedies.ts";
import { renderPools, renderWhy } from "./why.ts";
import { renderDestinations, renderListeners, renderTimeline } from "./tables.ts";

/** What a report is told beside the diagnosis. */
export interface DoctorReportOptions {
  /** What was looked at: `this machine`, `web1.capture`. */
  readonly name: string;
  /** How long judging took, in seconds. */
  readonly judgedSec: number;
}

/** Renders the report, as Markdown. */
export function renderDoctorReport(
  diagnosis: Diagnosis,
  { name, judgedSec }: DoctorReportOptions,
): string {
  const { facts, problems } = diagnosis;
  const title = diagnosis.verdict === "nothing wrong"
    ? `# Is TIME_WAIT a problem on ${prose(name)}?`
    : `# Why does ${prose(name)} pile up TIME_WAIT?`;
  if (facts === undefined) return [title, "", sayNothing(diagnosis), ""].join("\n");
  const others = problems.slice(1);
  return showControls(
    [
      title,
      "",
      renderAnswer(diagnosis),
      ...saySubject(diagnosis),
      "",
      ...(others.length === 0 ? [] : [
        "## What else is wrong",
        "",
        ...others.slice(0, MOST_PROBLEMS).map((problem) => `- ${sayProblem(problem, facts)}`),
        ...(others.length <= MOST_PROBLEMS
          ? []
          : [`- ${others.length - MOST_PROBLEMS} more of these kinds.`]),
        "",
      ]),
      ...renderWhy(diagnosis),
      ...renderRemedies(diagnosis),
      ...renderDestinations(facts),
      ...renderListeners(facts),
      ...renderTimeline(facts),
      ...renderRates(facts),
      ...renderPools(facts, diagnosis.product),
      ...(problems.length === 0 || facts.states.timeWait === 0 ? [] : sayRest(diagnosis)),
      ...renderKnobs(diagnosis, facts),
      ...renderOthers(facts),
      ...renderUnknown(diagnosis, facts),
      ...renderCost(diagnosis, facts, judgedSec),
    ].join("\n"),
  );
}

const MOST_PROBLEMS = 10;

/** The program that is looked at, where it is known. */
function saySubject(diagnosis: Diagnosis): string[] {
  const { facts, capture: { namespaceOf } } = diagnosis;
  const { program } = facts!;
  const { product } = diagnosis;
  const where = namespaceOf === undefined ? "" : `, the network namespace of process ${namespaceOf}`;
  if (program === undefined) return where === "" ? [] : ["", `Looked at${where.slice(1)}.`];
  const { name, pid } = program;
  return [
    "",
    `Looked at: ${code(name)} (process ${pid}${product === undefined ? "" : `, ${product.id}`})${where}.`,
  ];
}

/** What is harmless although something else is wrong. */
function sayRest({ facts, problems }: Diagnosis): string[] {
  const wrong = new Set(problems.flatMap((problem) => "destination" in problem ? [problem.destination] : []));
  const destinations = facts!.destinations.filter((one) => !wrong.has(one));
  const accepted = facts!.listeners.reduce((sum, { states }) => sum + states.timeWait, 0);
  const opened = destinations.reduce((sum, { states }) => sum + states.timeWait, 0);
  if (opened + accepted === 0) return [];
  const states = { ...facts!.states, timeWait: opened + accepted };
  const sentence = sayHarmless({ ...facts!, destinations, states }).replace(
    "**Nothing is wrong**",
    "The rest is harmless",
  );
  return ["## What is harmless", "", sentence, ""];
}

/** Why there is no reading, in one line. */
function sayNothing({ capture: { notes } }: Diagnosis): string {
  const why = notes.find(({ kind }) => kind === "gone" || kind === "unreadable");
  const hidden = notes.some(({ kind }) => kind === "hidepid")
    ? " /proc hides the processes of other users here (hidepid): one of theirs is seen by its owner, or by root."
    : "";
  return `**Nothing could be read**: ${prose(why?.text ?? "there is no /proc/net/tcp")}.${hidden}`;
}

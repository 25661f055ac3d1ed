/**
 * Why the doctor's patient opens connections that need not be, in the words of the bench's
 * report, for a live machine.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import type { Destination, Facts } from "../../doctor/facts.ts";
import { isCapped } from "../../doctor/causes.ts";
import { defaultsSeen } from "../../doctor/known_defaults.ts";
import type { CauseFinding } from "../../verdict/findings.ts";
import { formatCount } from "../format.ts";
import { code } from "../markdown.ts";
import { sayCannotTell, sayCause, sayToldApart } from "../sections/cause_words.ts";
import { sayEvidence } from "../sections/evidence_words.ts";

/** The section on causes; empty where there are none. */
export function renderWhy({ causes, facts }: Diagnosis): string[] {
  if (causes.length === 0) return [];
  const program = facts!.program;
  const name = program === undefined ? "a program here" : code(program.name);
  return [
    "## Why",
    "",
    ...causes.map((cause, i) => `- ${explain(cause, name, causes[i - 1])}`),
    "",
  ];
}

function explain(cause: CauseFinding, name: string, before: CauseFinding | undefined): string {
  const { sure, toldApartFrom, cannotTell } = cause;
  const [evidence, others] = [sayEvidence(cause, 1), sayToldApart(toldApartFrom)];
  return [
    `${name}: **${sayCause(cause)}**${cause.cause === "none" ? "" : ` (\`${cause.cause}\`, ${sure})`}.`,
    before === undefined ? evidence : withoutSaid(evidence, sayEvidence(before, 1)),
    cause.cause === "close-asked"
      ? "Who closes first is a race then: the side of the TIME_WAIT means nothing."
      : "",
    before !== undefined && sayToldApart(before.toldApartFrom) === others ? "" : others,
    sayCannotTell(cannotTell),
  ].filter((part) => part !== "").join(" ");
}

/** The sentences that the cause before has not said already. */
function withoutSaid(text: string, before: string): string {
  const sentences = (text: string) => text.split(/(?<=\.) (?=[A-Z])/);
  const said = new Set(sentences(before));
  return sentences(text).filter((sentence) => !said.has(sentence)).join(" ") || "The figures are the same.";
}

/** Destinations whose pool is described. */
const MOST_POOLS = 5;

/** The section on pools, as seen from their connections; empty where none stands. */
export function renderPools({ destinations, listeners }: Facts, product: Diagnosis["product"]): string[] {
  const pools = destinations.filter(({ pool }) => pool.ceiling > 0).slice(0, MOST_POOLS);
  if (pools.length === 0) return [];
  const clients = listeners.reduce((most, { pool }) => Math.max(most, pool.floor), 0);
  return ["## Pools as seen", "", ...pools.map((one) => `- ${sayPool(one, product, clients)}`), ""];
}

function sayPool({ service, pool }: Destination, product: Diagnosis["product"], clients: number): string {
  const { floor, ceiling, flat, kept, readings } = pool;
  const size = flat
    ? `${connections(ceiling)} in each of ${formatCount(readings)} readings, never more`
    : `${formatCount(floor)} to ${connections(ceiling)}`;
  const stayed = kept === 0
    ? "none stood for the whole watch"
    : `${formatCount(kept)} stood for the whole watch`;
  const seen = readings < 2 ? `${connections(ceiling)} when it was looked at` : `${size}; ${stayed}`;
  const defaults = defaultsSeen(pool, product?.id).slice(0, 4);
  const telling = defaults.length === 0
    ? ""
    : ` That is ${readings < 2 ? "(in one reading, so maybe by chance) " : ""}the default of ${
      defaults.map(({ product, setting, kind }) => `${product} \`${setting}\` (${kind})`).join(", ")
    }.`;
  const capped = isCapped(pool, clients)
    ? ` ${formatCount(clients)} clients are connected: if ${
      formatCount(ceiling)
    } is a limit, requests wait in line for it, which no TIME_WAIT shows.`
    : "";
  return `${code(service)}: ${seen}.${telling}${capped}`;
}

function connections(count: number): string {
  return `${formatCount(count)} connection${count === 1 ? "" : "s"}`;
}

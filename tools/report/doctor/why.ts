/**
 * Why the doctor's patient opens connections that need not be, and what to set: the words of the bench's
 * report, for a live machine.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import type { Destination, Facts } from "../../doctor/facts.ts";
import { defaultsSeen } from "../../doctor/known_defaults.ts";
import type { CauseFinding } from "../../verdict/findings.ts";
import { formatCount } from "../format.ts";
import { code } from "../markdown.ts";
import { sayCannotTell, sayCause, sayEvidence, sayToldApart } from "../sections/cause_words.ts";
import { sayRemedies } from "../sections/remedy_words.ts";

/** The section on causes; empty where there are none. */
export function renderWhy({ causes, facts, product }: Diagnosis): string[] {
  if (causes.length === 0) return [];
  const program = facts!.program;
  const name = program === undefined ? "a program here" : code(program.name);
  return [
    "## Why",
    "",
    ...causes.map((cause) => `- ${explain(cause, name, product)}`),
    "",
  ];
}

function explain(cause: CauseFinding, name: string, product: Diagnosis["product"]): string {
  const { sure, toldApartFrom, cannotTell, remedy } = cause;
  return [
    `${name}: **${sayCause(cause)}**${cause.cause === "none" ? "" : ` (\`${cause.cause}\`, ${sure})`}.`,
    sayEvidence(cause, 1),
    cause.cause === "close-asked"
      ? "Who closes first is a race then: the side of the TIME_WAIT means nothing."
      : "",
    sayToldApart(toldApartFrom),
    sayCannotTell(cannotTell),
    sayRemedies(remedy, product),
  ].filter((part) => part !== "").join(" ");
}

/** Destinations whose pool is described. */
const MOST_POOLS = 5;

/** The section on pools, as seen from their connections; empty where none stands. */
export function renderPools({ destinations }: Facts, product: Diagnosis["product"]): string[] {
  const pools = destinations.filter(({ pool }) => pool.ceiling > 0).slice(0, MOST_POOLS);
  if (pools.length === 0) return [];
  return ["## Pools as seen", "", ...pools.map((one) => `- ${sayPool(one, product)}`), ""];
}

function sayPool({ service, pool }: Destination, product: Diagnosis["product"]): string {
  const { floor, ceiling, flat, kept, readings } = pool;
  const size = flat
    ? `${formatCount(ceiling)} connections in each of ${formatCount(readings)} readings, never more`
    : `${formatCount(floor)} to ${formatCount(ceiling)} connections`;
  const stayed = kept === 0
    ? "none stood for the whole watch"
    : `${formatCount(kept)} stood for the whole watch`;
  const seen = readings < 2
    ? `${formatCount(ceiling)} connections when it was looked at`
    : `${size}; ${stayed}`;
  const defaults = defaultsSeen(pool, product?.id).slice(0, 4);
  const telling = defaults.length === 0
    ? ""
    : ` That is ${readings < 2 ? "(in one reading, so maybe by chance) " : ""}the default of ${
      defaults.map(({ product, setting, kind }) => `${product} \`${setting}\` (${kind})`).join(", ")
    }.`;
  return `${code(service)}: ${seen}.${telling}`;
}

/**
 * The words for causes: what each is called, what it was told apart from, and what would tell.
 *
 * @module
 */

import type { Cause, CauseFigures, CauseName, ToldApart } from "../../verdict/causes.ts";
import type { CannotTell } from "../../verdict/causes/cause.ts";
import { formatCount } from "../format.ts";
import { formatTime } from "./evidence_words.ts";

/** What a run with this cause does, as a clause of which the gateway is `it`. */
const CLAUSES: { readonly [K in CauseName]: (cause: Cause) => string } = {
  "pool-too-small": () => "its pool of idle connections is too small",
  "used-once": () => "it uses each connection for one request",
  "close-asked": () => "its requests ask for the end of their connection",
  "leak": () => "it leaves connections open that nobody uses again",
  "request-limit": ({ side, evidence: { limit, ageP10Ms } }) =>
    `${WHO_LIMITS[side ?? "unknown"]} ends each connection ${
      limit !== undefined
        ? `after ${formatCount(limit)} requests`
        : ageP10Ms !== undefined
        ? "at one age, as a limit of requests does"
        : "after a number of requests"
    }`,
  "backend-idle-timeout": ({ evidence }) => `the backend ends connections that were idle${forTime(evidence)}`,
  "gateway-idle-timeout": ({ evidence }) => `it ends connections that were idle${forTime(evidence)}`,
  "backend-closes": () => "the backend ends connections, and nobody asked it to",
  "cut-short": ({ side }) =>
    side === "client"
      ? "its clients leave before their answer, and it ends its connections with them"
      : "it ends connections before their answer is whole",
  "cap": ({ evidence: { cap = 0 } }) => `its connections to the backend are limited to ${formatCount(cap)}`,
  "many-pools": () => "its idle connections are spread over several pools, and one limit holds across them",
  "client-side": () => "connections between its clients and it are not kept",
  "ports-exhausted": () => "it ran out of ephemeral ports",
  "descriptors-exhausted": () => "it ran out of file descriptors",
  "accept-queue": () => "its queue of new connections overflowed",
  "bound-source": () => "its connections are bound to a source address, so that destinations share its ports",
  "intended": ({ evidence: { ageP50Ms } }) =>
    ageP50Ms === undefined
      ? "it or the backend ends connections at an age, perhaps on purpose"
      : `it ends connections at the age of ${formatTime(ageP50Ms)}, perhaps on purpose`,
  "none": () => "its pool fits",
};

const WHO_LIMITS: Readonly<Record<NonNullable<Cause["side"]> | "unknown", string>> = {
  gateway: "it",
  client: "it",
  backend: "the backend",
  unknown: "it or the backend",
};

function forTime({ idleP50Ms }: CauseFigures): string {
  return idleP50Ms === undefined ? "" : ` for ${formatTime(idleP50Ms)}`;
}

/** What a run with this cause does: `its pool of idle connections is too small`. */
export function sayCause(cause: Cause): string {
  return CLAUSES[cause.cause](cause);
}

/** What a cause was told apart from, as one sentence; empty where there is nothing. */
export function sayToldApart(toldApart: readonly ToldApart[]): string {
  const causes = toldApart.filter(({ because }) => Object.keys(because).length > 0)
    .map(({ cause }) => `\`${cause}\``);
  return causes.length === 0 ? "" : `Ruled out: ${causes.join(", ")}.`;
}

const TELLS: { readonly [K in CannotTell["tells"]]: string } = {
  "witness": "a backend of Timewait's own, which sees what each connection carries,",
  "configuration": "only the gateway's own configuration",
  "one backend": "the same load with one backend",
  "one worker": "the same load with one worker of the gateway",
  "larger pool": "the same load with a pool as large as the concurrency",
  "longer load": "a longer load",
  "request count": "the number of requests (`--requests-per-sec`)",
  "backend latency": "a known latency of the backend (`--latency`)",
};

/** What it could not be told apart from, as sentences; empty where there is nothing. */
export function sayCannotTell(cannotTell: readonly CannotTell[] = []): string {
  const groups = Map.groupBy(cannotTell, ({ tells }) => tells);
  return [...groups].map(([tells, group]) =>
    `${
      joined(group.map(({ cause }) => cause === "none" ? "a pool that fits" : `\`${cause}\``))
    } would look the same; ${TELLS[tells]} would tell.`
  ).map((sentence) => `${sentence[0]!.toUpperCase()}${sentence.slice(1)}`).join(" ");
}

/** Words in a row: `a, b and c`. */
function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

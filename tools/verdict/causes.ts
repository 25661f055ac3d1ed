/**
 * The causes of what a gateway does with its connections: a pure function of the evidence.
 *
 * A cause is claimed on what would be absent under another one. Several are named where several hold, and
 * where two look the same. Which side closed first names no cause where both are allowed to.
 *
 * @module
 */

import { causesOfCap } from "./causes/cap.ts";
import { type Cause, CAUSES, figures, type Sure } from "./causes/cause.ts";
import { causesOfClients } from "./causes/clients.ts";
import { causesOfEnds } from "./causes/ended.ts";
import { causesOfFailures } from "./causes/exhausted.ts";
import { causesOfStanding } from "./causes/leak.ts";
import { causesOfLeavers, withoutLeavers } from "./causes/leavers.ts";
import { causesOfTables } from "./causes/tables.ts";
import type { Evidence } from "./evidence.ts";

export type { Cause, CauseFigures, CauseName, Sure, ToldApart } from "./causes/cause.ts";

const BY_SURENESS: readonly Sure[] = ["certain", "likely", "possible"];

/**
 * Names the causes, the surest first and never none: `none` where the pool fits. Empty where nothing was
 * asked of the gateway, nothing is known of its connections, or they were hardly used.
 */
export function causesOf(evidence: Evidence): Cause[] {
  const { witness, upstream, requests } = evidence;
  const asked = Math.max(witness?.requests ?? 0, upstream?.answered ?? 0, requests?.answered ?? 0);
  if (asked === 0 || (witness === undefined && upstream?.opened === undefined)) return [];
  const failures = causesOfFailures(evidence);
  const upstreamCauses = [
    ...causesOfStanding(evidence),
    ...(witness === undefined ? causesOfTables(evidence) : causesOfEnds(withoutLeavers(evidence))),
    ...causesOfLeavers(evidence),
    // What ran out holds connections back as a cap does, and failures come faster than any answer.
    ...(failures.length === 0 ? causesOfCap(evidence) : []),
  ];
  const found = [...failures, ...upstreamCauses, ...causesOfClients(evidence)];
  if (found.length > 0) return sorted(distinct(found));
  return hardlyUsed(evidence, asked) ? [] : [fits(evidence)];
}

/**
 * Whether the connections carried fewer than two requests each: whether they are kept was not put to test.
 */
function hardlyUsed({ upstream, witness }: Evidence, asked: number): boolean {
  return Math.max(upstream?.opened ?? 0, witness?.accepted ?? 0) > asked / 2;
}

/** Each cause once: two halves of the evidence may show the same one. */
function distinct(causes: readonly Cause[]): Cause[] {
  const groups = Map.groupBy(causes, ({ cause, side }) => `${cause} ${side}`);
  return [...groups.values()].map((group) => sorted(group)[0]!);
}

function sorted(causes: readonly Cause[]): Cause[] {
  return causes.toSorted((a, b) =>
    BY_SURENESS.indexOf(a.sure) - BY_SURENESS.indexOf(b.sure) ||
    CAUSES.indexOf(a.cause) - CAUSES.indexOf(b.cause)
  );
}

/** That the pool fits: what is opened is opened once. */
function fits({ witness, upstream, requests }: Evidence): Cause {
  const asked = witness?.requests ?? requests?.answered ?? upstream?.answered;
  const opened = witness?.accepted ?? upstream?.opened;
  return {
    cause: "none",
    sure: witness === undefined ? "likely" : "certain",
    evidence: figures({
      requests: asked,
      connectionsOpened: opened,
      openedPerRequest: asked && opened !== undefined ? opened / asked : undefined,
      openAtEnd: upstream?.openAtEnd,
      concurrency: requests?.concurrency,
    }),
    toldApartFrom: [],
  };
}

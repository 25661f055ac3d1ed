/**
 * Causes that the witness shows: how each connection ended, and what it had carried until then.
 *
 * @module
 */

import type { Distribution, EndedConnections } from "../../observe/witness.ts";
import type { Evidence } from "../evidence.ts";
import { backendCuts, backendEnds } from "./backend_closes.ts";
import { type Cause, SMALLEST_PART } from "./cause.ts";
import { closeAsked } from "./close_asked.ts";
import { cutShort } from "./cut_short.ts";
import { type Context, joined, matters, type Part } from "./ends.ts";
import { idleTimeout, timedOutShare } from "./idle_timeout.ts";
import { gatewayEnds } from "./pool.ts";

/** The causes that the ends of connections show; empty where none of them matters, or no backend is ours. */
export function causesOfEnds(evidence: Evidence): Cause[] {
  const { witness } = evidence;
  if (witness === undefined || witness.requests === 0) return [];
  const ended = witness.ended.reduce((sum, { connections }) => sum + connections, 0);
  const unasked = witness.ended.flatMap(withoutAsked);
  const idle = (by: EndedConnections["by"]) =>
    unasked.filter((group) => group.by === by && group.at === "idle");
  const within = (by: EndedConnections["by"]) =>
    unasked.filter((group) => group.by === by && group.at !== "idle");
  const seen = { evidence, witness, ended };
  const cut = joined(within("peer")).connections;
  const context: Context = { ...seen, cut, tooLate: tooLateOf(seen, cut) };
  return [
    ...closeAsked(context),
    ...idleEnds(context, "gateway", joined(idle("peer"))),
    ...cutShort(context, within("peer")),
    ...idleEnds(context, "backend", joined(idle("backend"))),
    ...backendCuts(context, joined(within("backend"))),
  ];
}

/** Connections that ended between requests, unasked: those that had been idle for a while, and the others. */
function idleEnds(context: Context, side: "gateway" | "backend", part: Part): Cause[] {
  const { connections } = part;
  if (connections === 0) return [];
  const late = timedOutShare(context, side, part);
  const tooLate = side === "gateway" ? context.tooLate : 0;
  const atOnce = Math.max(0, connections * (1 - late) - tooLate);
  // A slow gateway takes some for late whose answer had come.
  const ofDeadline = side === "gateway" && matters(context, context.cut) && atOnce < BESIDE_CUT * context.cut;
  const timedOut = idleTimeout(context, side, part, connections * late);
  return [
    ...timedOut,
    ...(matters(context, atOnce) && !ofDeadline && (timedOut.length === 0 || late < 1 - SMALLEST_PART)
      ? side === "gateway" ? gatewayEnds(context, part, atOnce) : backendEnds(context, part, atOnce)
      : []),
  ];
}

/**
 * Beside connections that are cut short, those that end after their answer have a cause of their own where
 * they are at least this many times as many.
 */
const BESIDE_CUT = 0.5;

/** Failures may be this many times as many as the connections that ended with them: some are counted late. */
const EACH_FAILED = 1.2;

/**
 * A deadline that passes while answers are on their way ends some connections that the backend takes for
 * idle. Each of them is a request that failed, as is each that was cut short. 0 where requests fail for
 * another reason.
 */
function tooLateOf(context: Omit<Context, "cut" | "tooLate">, cut: number): number {
  const { evidence: { requests: { failed = 0 } = {} }, ended } = context;
  if (!matters(context, cut) || failed > EACH_FAILED * ended || failed < cut / 2) return 0;
  return Math.max(0, failed - cut);
}

/** A group without the connections that were asked to end. The rest is taken to be spread like the whole. */
function withoutAsked(group: EndedConnections): EndedConnections[] {
  const connections = group.connections - group.askedToClose;
  return connections <= 0 ? [] : [{
    ...group,
    connections,
    announced: Math.min(connections, group.announced),
    requests: scaled(group.requests, connections / group.connections),
  }];
}

function scaled(distribution: Distribution, by: number): Distribution {
  return by === 1 ? distribution : {
    ...distribution,
    most: distribution.most.map(({ value, connections }) => ({ value, connections: connections * by })),
  };
}

/**
 * `gateway-idle-timeout` and `backend-idle-timeout`: one side ends connections that nobody has used for a
 * while.
 *
 * @module
 */

import type { Distribution } from "../../observe/witness.ts";
import { shareFrom } from "../distributions.ts";
import { type Cause, figures, SMALLEST_PART } from "./cause.ts";
import { AT_ONCE_MS, common, type Context, ofIdle, type Part } from "./ends.ts";

/**
 * An idle time is one and the same where 5% of the connections have at least this share of what 95% have.
 * Some products look every T at what was idle for T, so that it ends after T to 2 T. A gateway without CPU to
 * spare closes what is too many a while late, and each connection after another time.
 */
const SAME_TIME = 0.4;

/** Which share of the connections was ended for having been idle, and not at once after an answer. */
export function timedOutShare(context: Context, side: "gateway" | "backend", { idleMs }: Part): number {
  const share = idleMs === undefined ? 0 : shareFrom(idleMs, AT_ONCE_MS);
  // Where most ended at once, the few others are the tail of the same.
  if (share < SMALLEST_PART || !isOneTime(idleMs!)) return 0;
  if (side === "backend") return share;
  return endedBefore(context.evidence.pool?.idleTimeoutMs, idleMs!) || wasWanted(context, idleMs!)
    ? 0
    : share;
}

/** Whether most connections were idle for one and the same time when they ended. */
function isOneTime({ p5, p50, p95 }: Distribution): boolean {
  const shortest = p5 < AT_ONCE_MS ? p50 : p5;
  return shortest >= AT_ONCE_MS && shortest >= SAME_TIME * p95;
}

/** With so many requests while a connection was idle, one of them would have taken it, were it in a pool. */
const WANTED = 10;

/**
 * Whether clients that never pause asked so often meanwhile that a connection kept idle would have been taken
 * again: it was no more in a pool, and a gateway without CPU to spare was late to close it.
 */
function wasWanted({ witness, evidence: { requests = {} } }: Context, { p50 }: Distribution): boolean {
  const { perSec = 0, closedLoop = true, pauses = false } = requests;
  return closedLoop && !pauses && perSec * p50 / 1000 >= WANTED * witness.backends;
}

/** Whether connections ended long before they had been idle for as long as the gateway was told. */
function endedBefore(idleTimeoutMs: number | undefined, { p95 }: Distribution): boolean {
  return idleTimeoutMs !== undefined && p95 < SAME_TIME * idleTimeoutMs;
}

/** The cause of connections that were ended for being idle; empty where none was, or it does not matter. */
export function idleTimeout(
  context: Context,
  side: "gateway" | "backend",
  part: Part,
  connections: number,
): Cause[] {
  if (connections === 0 || !wereReopened(context, connections)) return [];
  return [{
    cause: `${side}-idle-timeout`,
    sure: "certain",
    side,
    evidence: figures({
      ...common(context, connections),
      ...ofIdle(part),
      unanswered: context.witness.unanswered,
      failedRequests: context.evidence.requests?.failed,
      openPeak: context.witness.openPeak,
    }),
    toldApartFrom: [
      {
        cause: side === "gateway" ? "backend-idle-timeout" : "gateway-idle-timeout",
        because: { endedByGatewayShare: side === "gateway" ? 1 : 0 },
      },
      { cause: side === "gateway" ? "pool-too-small" : "backend-closes", because: ofIdle(part) },
    ],
  }];
}

/** Whether the connections that a pause has cost were opened again: half as many as stand at one time. */
function wereReopened(
  { witness, ended, evidence: { repetitions = 1 } }: Context,
  connections: number,
): boolean {
  return connections >= SMALLEST_PART * ended &&
    Math.min(connections, witness.reopened) >= witness.openPeak * repetitions / 2;
}

/**
 * `cut-short`: the gateway ends connections while it is owed an answer.
 *
 * @module
 */

import type { EndedConnections } from "../../observe/witness.ts";
import { type Cause, figures } from "./cause.ts";
import { common, type Context, joined, matters, ofPart, ONCE_SHARE } from "./ends.ts";

/**
 * Connections that the gateway ended while it was owed an answer. When a load ends, up to one request of each
 * client is given up: so many ends are no evidence.
 */
export function cutShort(context: Context, groups: readonly EndedConnections[]): Cause[] {
  const { evidence: { requests, repetitions = 1 }, witness } = context;
  const atEnd = (requests?.concurrency ?? 0) * repetitions;
  const part = joined(groups);
  const failed = requests?.failed ?? 0;
  if (!matters(context, part.connections)) return [];
  if (part.connections <= atEnd && failed < part.connections / 2) return [];
  const shape = ofPart(part);
  const inAnswer = joined(groups.filter(({ at }) => at === "answer"));
  // Answers that arrive whole although their connection ended in them: the gateway passes no body on.
  const unread = inAnswer.connections > part.connections / 2 && shape.onceShare! >= ONCE_SHARE &&
    failed < part.connections / 2;
  const figuresOfBoth = figures({
    ...common(context, part.connections),
    ...shape,
    unanswered: witness.unanswered,
    failedRequests: requests?.failed,
    timedOut: requests?.timedOut,
  });
  if (unread) {
    return [{
      cause: "used-once",
      sure: "likely",
      evidence: figuresOfBoth,
      toldApartFrom: [{ cause: "cut-short", because: figures({ failedRequests: failed }) }],
    }];
  }
  return [{
    cause: "cut-short",
    sure: "certain",
    side: "gateway",
    evidence: figuresOfBoth,
    toldApartFrom: [
      {
        cause: "used-once",
        because: figures({ onceShare: shape.onceShare, unanswered: witness.unanswered }),
      },
      { cause: "pool-too-small", because: figures({ unanswered: witness.unanswered }) },
    ],
  }];
}

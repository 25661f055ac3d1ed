/**
 * `request-limit`: connections end after a number of requests.
 *
 * @module
 */

import { shareOf } from "../distributions.ts";
import { type Cause, figures } from "./cause.ts";
import { common, type Context, ofPart, type Part } from "./ends.ts";

/**
 * The share of connections that end at the highest number of requests that any has served, from which on that
 * number is a limit. Without a limit the highest number is that of a few.
 */
const LIMIT_SHARE = 0.05;

/**
 * At a limit so many times as many end as one request before it, because those that come so far come to the
 * limit. Numbers that vary for another reason have no such step.
 */
const LIMIT_STEP = 2;

/** The number of requests at which connections end, and the share that does; `undefined` without one. */
export function limitOf({ connections, requests }: Part): { limit: number; share: number } | undefined {
  const { max } = requests;
  const share = shareOf({ connections, distribution: requests }, max);
  const before = shareOf({ connections, distribution: requests }, max - 1);
  return max >= 2 && share >= LIMIT_SHARE && share >= LIMIT_STEP * before ? { limit: max, share } : undefined;
}

/** The cause of connections that end at a limit. */
export function requestLimit(
  context: Context,
  part: Part,
  { side, limit, share }: { side: "gateway" | "backend"; limit: number; share: number },
): Cause {
  const connections = part.connections * share;
  return {
    cause: "request-limit",
    sure: "certain",
    side,
    evidence: figures({
      ...common(context, connections),
      limit,
      atLimitShare: share,
      announcedShare: part.announced / part.connections,
    }),
    toldApartFrom: [
      {
        cause: side === "gateway" ? "pool-too-small" : "backend-closes",
        because: { atLimitShare: share, requestsMax: part.requests.max },
      },
      { cause: "used-once", because: { onceShare: ofPart(part).onceShare! } },
    ],
    cannotTell: [{ cause: "intended", tells: "configuration" }],
  };
}

/**
 * `backend-closes`: the backend ends connections, unasked.
 *
 * @module
 */

import { aged, isAge } from "./connection_age.ts";
import { type Cause, figures } from "./cause.ts";
import { common, type Context, matters, ofPart, type Part } from "./ends.ts";
import { limitOf, requestLimit } from "./request_limit.ts";

/** Connections that the backend ended at once after an answer, unasked. */
export function backendEnds(context: Context, part: Part, connections: number): Cause[] {
  const limit = limitOf(part);
  if (limit !== undefined && matters(context, part.connections * limit.share)) {
    const found = requestLimit(context, part, { side: "backend", ...limit });
    const rest = connections - part.connections * limit.share;
    return matters(context, rest) ? [found, backendCloses(context, part, rest)] : [found];
  }
  return isAge(context, part)
    ? [aged(context, part, connections)]
    : [backendCloses(context, part, connections)];
}

function backendCloses(context: Context, part: Part, connections: number): Cause {
  const { witness } = context;
  return {
    cause: "backend-closes",
    sure: "certain",
    side: "backend",
    evidence: figures({
      ...common(context, connections),
      ...ofPart(part),
      announcedShare: part.announced / part.connections,
      unanswered: witness.unanswered,
    }),
    toldApartFrom: [
      { cause: "close-asked", because: { askedShare: witness.askedToClose / witness.requests } },
      { cause: "pool-too-small", because: { endedByGatewayShare: 0 } },
    ],
  };
}

/** Connections that the backend ended in the middle of a request or an answer. */
export function backendCuts(context: Context, part: Part): Cause[] {
  return matters(context, part.connections) ? [backendCloses(context, part, part.connections)] : [];
}

/**
 * `close-asked`: the gateway asks its backend to end each connection.
 *
 * @module
 */

import { type Cause, figures, WASTE_SHARE } from "./cause.ts";
import { common, type Context } from "./ends.ts";

/** Requests that ask for the end of their connection. Who closes first is a race then, and proves nothing. */
export function closeAsked(context: Context): Cause[] {
  const { witness, ended } = context;
  const askedShare = witness.askedToClose / witness.requests;
  if (askedShare < WASTE_SHARE) return [];
  const byGateway = witness.ended.reduce(
    (sum, { by, connections }) => sum + (by === "peer" ? connections : 0),
    0,
  );
  return [{
    cause: "close-asked",
    sure: "certain",
    evidence: figures({
      ...common(context, witness.ended.reduce((sum, { askedToClose }) => sum + askedToClose, 0)),
      askedShare,
      http10Share: witness.http10 / witness.requests,
      endedByGatewayShare: ended === 0 ? undefined : byGateway / ended,
    }),
    toldApartFrom: [
      { cause: "used-once", because: { askedShare } },
      { cause: "backend-closes", because: { askedShare } },
    ],
  }];
}

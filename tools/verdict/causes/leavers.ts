/**
 * Clients that leave before their answer: a gateway that ends the connection to the backend with them does
 * what they ask. It is their doing, and no fault of its pool.
 *
 * @module
 */

import type { EndedConnections } from "../../observe/witness.ts";
import type { Evidence, WitnessEvidence } from "../evidence.ts";
import { type Cause, figures, WASTE_SHARE } from "./cause.ts";

/** Connections that the gateway ended while an answer was owed: each client that left explains one. */
const ofLeaver = ({ by, at }: EndedConnections) => by === "peer" && at !== "idle";

/** How many connections the gateway ended because a client had left; at most so many as left. */
function leftWith({ witness, requests }: Evidence): number {
  const cut = (witness?.ended ?? []).filter(ofLeaver).reduce((sum, { connections }) => sum + connections, 0);
  return Math.min(cut, requests?.abandoned ?? 0);
}

/** The cause that clients leave; empty where none did, or the gateway keeps its connections then. */
export function causesOfLeavers(evidence: Evidence): Cause[] {
  const { witness, requests } = evidence;
  const connections = leftWith(evidence);
  if (witness === undefined || connections < WASTE_SHARE * witness.requests || connections === 0) return [];
  return [{
    cause: "cut-short",
    sure: "certain",
    side: "client",
    evidence: figures({
      requests: witness.requests,
      connectionsOpened: witness.accepted,
      connectionsEnded: connections,
      endedPerRequest: connections / witness.requests,
      abandoned: requests?.abandoned,
      failedRequests: requests?.failed,
    }),
    toldApartFrom: [{ cause: "pool-too-small", because: figures({ abandoned: requests?.abandoned }) }],
  }];
}

/** The evidence without the connections that ended because a client had left. */
export function withoutLeavers(evidence: Evidence): Evidence {
  const { witness } = evidence;
  const left = leftWith(evidence);
  if (witness === undefined || left === 0) return evidence;
  return { ...evidence, witness: { ...witness, ...without(witness, left) } };
}

function without({ ended, unanswered }: WitnessEvidence, left: number): Partial<WitnessEvidence> {
  let rest = left;
  const others = ended.flatMap((group) => {
    const taken = ofLeaver(group) ? Math.min(rest, group.connections) : 0;
    rest -= taken;
    const connections = group.connections - taken;
    if (taken === 0) return [group];
    return connections === 0 ? [] : [{
      ...group,
      connections,
      askedToClose: Math.min(connections, group.askedToClose),
      announced: Math.min(connections, group.announced),
      requests: { ...group.requests, most: shareOfMost(group, connections) },
    }];
  });
  return { ended: others, unanswered: Math.max(0, unanswered - left) };
}

/** What is left is taken to be spread like the whole. */
function shareOfMost(group: EndedConnections, connections: number): EndedConnections["requests"]["most"] {
  const share = connections / group.connections;
  return group.requests.most.map(({ value, connections }) => ({ value, connections: connections * share }));
}

/**
 * The side towards the clients: connections that are opened anew there take no port of the gateway's.
 *
 * @module
 */

import type { Evidence } from "../evidence.ts";
import { type Cause, figures, SMALLEST_PART, WASTE_SHARE } from "./cause.ts";

/** Connections of clients that are opened anew. */
export function causesOfClients({ clients, requests, upstream }: Evidence): Cause[] {
  const { opened, needed = 0, timeWaitOnGateway, timeWaitOnClient } = clients ?? {};
  const answered = requests?.answered ?? 0;
  if (opened === undefined || answered === 0) return [];
  // Where few requests are answered, one client that connects again is a large share of them.
  if (opened - needed < Math.max(WASTE_SHARE * answered, SMALLEST_PART * needed)) return [];
  const clientOpenedPerRequest = opened / answered;
  return [{
    cause: "client-side",
    sure: "certain",
    side: (timeWaitOnGateway ?? 0) >= (timeWaitOnClient ?? 0) ? "gateway" : "client",
    evidence: figures({
      clientOpenedPerRequest,
      timeWaitOfClients: timeWaitOnGateway,
      timeWaitOnClient,
      timeWaitOnGateway: upstream?.timeWaitOnGateway,
    }),
    toldApartFrom: [{
      cause: "pool-too-small",
      because: figures({ clientOpenedPerRequest, timeWaitOnGateway: upstream?.timeWaitOnGateway }),
    }],
  }];
}

/**
 * What ran out: ports, descriptors, places in a listener's queue.
 *
 * @module
 */

import type { Evidence } from "../evidence.ts";
import { type Cause, figures, SMALLEST_PART, type ToldApart, WASTE_SHARE } from "./cause.ts";

/** From this share of the ports on they are used up: some may be reserved, and a reading comes late. */
const USED_UP = 0.98;

/** A client whose SYN was dropped sends it again after this time at the least, in seconds (RFC 6298, 2). */
const SYN_AGAIN_SEC = 1;

/** What a gateway ran out of. */
export function causesOfFailures(evidence: Evidence): Cause[] {
  const { failures, ports, requests, listenDrops = 0 } = evidence;
  const logged = (...codes: string[]) => codes.reduce((sum, code) => sum + (failures?.[code] ?? 0), 0);
  const [noPort, inUse, noDescriptor] = [
    logged("EADDRNOTAVAIL"),
    logged("EADDRINUSE"),
    logged("EMFILE", "ENFILE"),
  ];
  const failed = requests?.failed ?? 0;
  const others = (codes: readonly ["ports-exhausted" | "bound-source" | "descriptors-exhausted", number][]) =>
    codes.map(([cause, logged]): ToldApart => ({ cause, because: { logged } }));
  const usedUp = ports !== undefined && ports.usedPeak >= USED_UP * ports.range;
  const portFigures = { portRange: ports?.range, portsUsed: ports?.usedPeak, failedRequests: failed };
  const found: Cause[] = [];
  // Ports that are used up may be taken again: it takes failures to make them a cause.
  if (noPort > 0 || (usedUp && failures === undefined && failed > 0)) {
    found.push({
      cause: "ports-exhausted",
      sure: noPort > 0 ? "certain" : "likely",
      side: "gateway",
      evidence: figures({ ...portFigures, logged: noPort > 0 ? noPort : undefined }),
      toldApartFrom: failures === undefined
        ? []
        : others([["descriptors-exhausted", noDescriptor], ["bound-source", inUse]]),
    });
  }
  if (inUse > 0) {
    found.push({
      cause: "bound-source",
      sure: "certain",
      side: "gateway",
      evidence: figures({ ...portFigures, logged: inUse }),
      toldApartFrom: others([["ports-exhausted", noPort]]),
    });
  }
  if (noDescriptor > 0) {
    found.push({
      cause: "descriptors-exhausted",
      sure: "certain",
      side: "gateway",
      evidence: figures({ logged: noDescriptor, failedRequests: failed }),
      toldApartFrom: others([["ports-exhausted", noPort]]),
    });
  }
  if (
    listenDrops > WASTE_SHARE * (requests?.answered ?? Infinity) && (failed > 0 || dropsGoOn(evidence))
  ) {
    found.push({
      cause: "accept-queue",
      sure: "certain",
      side: "gateway",
      evidence: figures({ listenDrops, failedRequests: failed }),
      toldApartFrom: failures === undefined ? [] : others([["ports-exhausted", noPort]]),
    });
  }
  return found;
}

/**
 * Whether clients that open connections all the time are dropped all the time. Nobody fails then: each
 * connection that was dropped comes about when its SYN is sent again, a second later. So few drops cost the
 * clients much of their time, and make themselves few: who waits overflows no queue. Clients that keep their
 * connections overflow a queue once, when all of them begin.
 */
function dropsGoOn({ clients, requests, listenDrops = 0 }: Evidence): boolean {
  const { opened = 0, needed = opened } = clients ?? {};
  const { answered = 0, perSec = 0, concurrency = 0 } = requests ?? {};
  const clientsSec = perSec === 0 ? 0 : concurrency * answered / perSec;
  return opened - needed >= SMALLEST_PART * needed &&
    (listenDrops >= SMALLEST_PART * opened || listenDrops * SYN_AGAIN_SEC >= SMALLEST_PART * clientsSec);
}

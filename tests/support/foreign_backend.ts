/** The backends of plants.ts as a program that is not ours: nothing is witnessed of its connections. */

import type { CommandBackend, OwnBackend } from "../../tools/scenario/scenario.ts";
import type { Plant } from "./plants.ts";
import { ROOT } from "./root.ts";

/** A backend in Node that answers after so many milliseconds and ends connections as ours was told to. */
export function foreignBackend(latencyMs: number, told: OwnBackend = {}): CommandBackend {
  const command = `exec node "${ROOT}tests/support/planted/backend.mjs" {listen}`;
  return { command: `${command} ${ms(told.latency) ?? latencyMs} ${endsOf(told)}` };
}

function endsOf(told: OwnBackend): string {
  const { closeAfterRequests, announceClose, idleTimeout, http10, closeOnStatus, slowShare, slowLatency } =
    told;
  if (closeAfterRequests !== undefined) {
    return `${announceClose === false ? "silent" : "limit"} ${closeAfterRequests}`;
  }
  if (idleTimeout !== undefined) return `idle ${ms(idleTimeout)}`;
  // Node answers in HTTP/1.1 only, and a gateway makes the same of an answer that announces the end.
  if (http10) return "each";
  if (closeOnStatus !== undefined) return "errors";
  return slowShare === undefined ? "none" : `slow ${ms(slowLatency)}`;
}

function ms(duration: OwnBackend["latency"]): number | undefined {
  return duration === undefined ? undefined : parseFloat(String(duration));
}

/** The plant in front of such a backend. */
export function beforeForeignBackend(plant: Plant, latencyMs: number): Plant {
  const { backend } = plant;
  return backend === undefined
    ? plant
    : { ...plant, backend: foreignBackend(latencyMs, backend as OwnBackend) };
}

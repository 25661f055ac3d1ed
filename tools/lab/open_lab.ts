/**
 * Decides on a kind of lab, and starts one.
 *
 * @module
 */

import { UnavailableError } from "../errors.ts";
import { startHostLab } from "./host_lab.ts";
import type { Lab, LabChoice, LabKind } from "./lab.ts";
import { startLoopbackLab, startPrivateLab, whyNoPrivateLab } from "./private_lab.ts";

/**
 * Decides on the kind of lab. `auto` takes the private one where it can be had, which is found out by starting one.
 *
 * @throws {Error} when `private` was asked for and cannot be had; the message says what would permit it.
 */
export async function chooseLab(asked: LabKind | "auto"): Promise<LabChoice> {
  if (asked === "host") return { kind: "host" };
  const reason = await whyNoPrivateLab();
  if (reason === undefined) return { kind: "private" };
  if (asked === "private") {
    throw new UnavailableError(`cannot be private: ${reason}. A host lab needs nothing`, { field: "lab" });
  }
  return { kind: "host", reason };
}

/** Starts a fresh lab. */
export function openLab(kind: LabKind): Promise<Lab> {
  return { private: () => startPrivateLab(), host: startHostLab, loopback: startLoopbackLab }[kind]();
}

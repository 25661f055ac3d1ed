/**
 * Decides on a kind of lab, and starts one.
 *
 * @module
 */

import { UnavailableError } from "../errors.ts";
import { prepareScripts } from "./deno_script.ts";
import { startHostLab } from "./host_lab.ts";
import type { Lab, LabChoice, LocalLabKind } from "./lab.ts";
import { startLoopbackLab, startPrivateLab, whyNoPrivateLab } from "./private_lab.ts";

/** The choice of a lab on this machine. */
export type LocalLabChoice = LabChoice & { readonly kind: LocalLabKind };

/**
 * Decides on the kind of lab. `auto` takes the private one where it can be had, and starts one to find that
 * out.
 *
 * @throws {UnavailableError} where `private` or `loopback` was asked for and cannot be had; the message says
 * what would permit it.
 */
export async function chooseLab(asked: LocalLabKind | "auto"): Promise<LocalLabChoice> {
  if (asked === "host") return { kind: "host" };
  const reason = await whyNoPrivateLab();
  if (reason === undefined) return { kind: asked === "loopback" ? "loopback" : "private" };
  if (asked === "auto") return { kind: "host", reason };
  throw new UnavailableError(`cannot be ${asked}: ${reason}. A host lab needs nothing`, { field: "lab" });
}

/** Starts a fresh lab. */
export async function openLab(kind: LocalLabKind): Promise<Lab> {
  await prepareScripts();
  return await { private: () => startPrivateLab(), host: startHostLab, loopback: startLoopbackLab }[kind]();
}

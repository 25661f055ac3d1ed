/**
 * What a capture comes to: its facts, what of them is wrong, why, and what that means for an exit code.
 *
 * @module
 */

import type { CauseFinding, RunProduct } from "../verdict/findings.ts";
import { FINDINGS_SCHEMA, type FindingsDocument } from "../verdict/findings_document.ts";
import type { Cause } from "../verdict/causes.ts";
import type { NamedProduct } from "../verdict/products.ts";
import { remediesOf } from "../verdict/remedies.ts";
import type { Capture } from "./capture.ts";
import { causesOfWatch } from "./causes.ts";
import { type Facts, factsOf } from "./facts.ts";
import { type Problem, problemsOf } from "./problems.ts";
import type { StatusSeen } from "./take_status.ts";

/** What is known beside a capture. */
export interface Known {
  /** Requests a second that the gateway serves, from its own log or statistics. */
  readonly requestsPerSec?: number;
  /** What the gateway's status page said, where one was asked. */
  readonly status?: StatusSeen;
  /** The product that the gateway is. Default: guessed. */
  readonly product?: NamedProduct;
}

/** What a capture comes to. */
export interface Diagnosis {
  /** The capture. */
  readonly capture: Capture;
  /** Requests a second, where somebody said. */
  readonly requestsPerSec?: number;
  /** What the gateway's status page said, where one was asked. */
  readonly status?: StatusSeen;
  /** The gateway's product. Left out where it is not known. */
  readonly product?: RunProduct;
  /** What it shows. Left out where it holds no reading. */
  readonly facts?: Facts;
  /** What is wrong, the most urgent first. */
  readonly problems: readonly Problem[];
  /** Why, those of what has run out first, and what to set. Empty where nothing needs a reason. */
  readonly causes: readonly CauseFinding[];
  /** `cannot tell` where there is no reading. */
  readonly verdict: "wrong" | "nothing wrong" | "cannot tell";
}

/** Causes that are no fault of this host's: its ports are not used up by them. */
const HARMLESS: ReadonlySet<string> = new Set(["none", "intended", "client-side"]);

/** Whether a cause harms nobody, or looks just like a pool that has not filled yet. */
function mayBeHarmless({ cause, cannotTell = [] }: Cause): boolean {
  return HARMLESS.has(cause) || (cause === "leak" && cannotTell.some(({ cause }) => cause === "none"));
}

/** Diagnoses a capture. */
export function diagnose(capture: Capture, { requestsPerSec, status, product: said }: Known = {}): Diagnosis {
  const facts = factsOf(capture);
  const asked = status === undefined ? {} : { status };
  if (facts === undefined) return { capture, ...asked, problems: [], causes: [], verdict: "cannot tell" };
  const problems = problemsOf(facts);
  const guessed = facts.program?.product;
  const product: RunProduct | undefined = said !== undefined
    ? { ...said, from: "given" }
    : guessed === undefined
    ? undefined
    : { id: guessed, from: "command" };
  const needsReason = problems.length > 0 || (facts.rates?.openedPerSec ?? 0) > 0 ||
    requestsPerSec !== undefined ||
    facts.states.timeWait > 0;
  const found = needsReason
    ? causesOfWatch(facts, problems, { requestsPerSec, waiting: status?.waiting })
    : [];
  // Of a few connections that harm nobody, every cause would be possible.
  const causes = problems.length > 0 || requestsPerSec !== undefined
    ? found
    : found.filter(({ cause }) => HARMLESS.has(cause));
  const wrong = problems.length > 0 ||
    (requestsPerSec !== undefined && causes.some((cause) => !mayBeHarmless(cause)));
  return {
    capture,
    ...asked,
    ...(requestsPerSec === undefined ? {} : { requestsPerSec }),
    ...(product === undefined ? {} : { product }),
    facts,
    problems,
    causes: causes.map((cause) => ({ ...cause, remedy: remediesOf(cause, product) })),
    verdict: wrong ? "wrong" : "nothing wrong",
  };
}

/** The diagnosis as the document that `bench --findings` writes, with one run. */
export function findingsOfDiagnosis({ facts, product, causes }: Diagnosis, name: string): FindingsDocument {
  return {
    schema: FINDINGS_SCHEMA,
    runs: [{
      name,
      baseline: true,
      hasGateway: true,
      measured: facts === undefined ? 0 : 1,
      failed: facts === undefined ? 1 : 0,
      ...(product === undefined ? {} : { product }),
      causes,
    }],
  };
}

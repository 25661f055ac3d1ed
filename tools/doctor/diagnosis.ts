/**
 * What a capture comes to: its facts, what of them is wrong, and what that means for an exit code.
 *
 * @module
 */

import type { Capture } from "./capture.ts";
import { type Facts, factsOf } from "./facts.ts";
import { type Problem, problemsOf } from "./problems.ts";

/** What is known beside a capture. */
export interface Known {
  /** Requests a second that the gateway serves, from its own log or statistics. */
  readonly requestsPerSec?: number;
}

/** What a capture comes to. */
export interface Diagnosis extends Known {
  /** The capture. */
  readonly capture: Capture;
  /** What it shows. Left out where it holds no reading. */
  readonly facts?: Facts;
  /** What is wrong, the most urgent first. */
  readonly problems: readonly Problem[];
  /** `cannot tell` where there is no reading, or not what it takes to say that nothing is wrong. */
  readonly verdict: "wrong" | "nothing wrong" | "cannot tell";
}

/** Diagnoses a capture. */
export function diagnose(capture: Capture, known: Known = {}): Diagnosis {
  const facts = factsOf(capture);
  if (facts === undefined) return { ...known, capture, problems: [], verdict: "cannot tell" };
  const problems = problemsOf(facts);
  return { ...known, capture, facts, problems, verdict: problems.length > 0 ? "wrong" : "nothing wrong" };
}

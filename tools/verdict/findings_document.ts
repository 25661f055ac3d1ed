/**
 * The verdict as a document: which cause each run has, what that rests on, and what to set. It is what other
 * programs read; the report says the same in words.
 *
 * @module
 */

import { terminalSafeJson } from "../errors.ts";
import type { Results } from "../results/results.ts";
import type { GatewayCpu } from "./gateway_cpu.ts";
import { analyse, type CauseFinding, type RunProduct } from "./findings.ts";

/** The version of the document. A change that an older reader would misread raises it. */
export const FINDINGS_SCHEMA = "timewait.findings/1";

/** The verdict on every run of one bench, or of several. */
export interface FindingsDocument {
  /** The version of this document. */
  readonly schema: typeof FINDINGS_SCHEMA;
  /** In the order of the results. */
  readonly runs: readonly RunVerdict[];
}

/** The verdict on one run. */
export interface RunVerdict {
  /** Its name. */
  readonly name: string;
  /** The results that it is of, where several were compared. */
  readonly results?: string;
  /** Whether the others are compared with it. */
  readonly baseline: boolean;
  /** Whether the load went through a gateway: a direct run has no cause. */
  readonly hasGateway: boolean;
  /** Repetitions that were measured. */
  readonly measured: number;
  /** Repetitions that failed. */
  readonly failed: number;
  /** The share of requests that failed. Left out where nobody counted them, as on a live machine. */
  readonly failedShare?: number;
  /** The gateway's CPU time. Left out for a direct run, where nothing was answered, and on a live machine. */
  readonly gatewayCpu?: GatewayCpu;
  /** The product that the gateway is. Left out where it is not known. */
  readonly product?: RunProduct;
  /** The causes, the surest first. Empty for a direct run, and where nothing was measured. */
  readonly causes: readonly CauseFinding[];
}

/** The verdict on all runs of these results. A name is given where there are several. */
export function findingsDocument(
  documents: readonly { readonly name?: string; readonly results: Results }[],
): FindingsDocument {
  return {
    schema: FINDINGS_SCHEMA,
    runs: documents.flatMap(({ name: of, results }) =>
      analyse(results).runs.map((
        { name, baseline, hasGateway, measured, failed, failedShare, gatewayCpu, product, causes },
      ) => ({
        name,
        ...(of === undefined ? {} : { results: of }),
        baseline,
        hasGateway,
        measured,
        failed,
        failedShare,
        ...(gatewayCpu === undefined ? {} : { gatewayCpu }),
        ...(product === undefined ? {} : { product }),
        causes,
      }))
    ),
  };
}

/** The same as text. */
export function renderFindings(documents: Parameters<typeof findingsDocument>[0]): string {
  return `${terminalSafeJson(findingsDocument(documents), 2)}\n`;
}

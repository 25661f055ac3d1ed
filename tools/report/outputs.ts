/**
 * The files that a bench writes: opened before the first run, written after each repetition, completed with
 * the report.
 *
 * @module
 */

import type { PredictedRuns } from "../predict/mod.ts";
import { reasonOf } from "../errors.ts";
import type { Results } from "../results/results.ts";
import { writeResults, writeWhole } from "../results/write.ts";
import { renderFindings } from "../verdict/findings_document.ts";
import type { GateCheck } from "../verdict/gate_check.ts";
import { removeReport, writePage, writeReport } from "./report_files.ts";

/** Where the output goes. */
export interface OutputPlaces {
  /** File for the results document; `-` stands for standard output, which the command writes. */
  readonly json?: string | undefined;
  /** Folder for `report.md`, its plots and `results.json`; made if it does not exist. */
  readonly out?: string | undefined;
  /** File for the report as one page. */
  readonly html?: string | undefined;
  /** File for the verdict as data; `-` stands for standard output, which the command writes. */
  readonly findings?: string | undefined;
}

/** The outputs of a bench under way. */
export interface Outputs {
  /**
   * Writes the results so far.
   *
   * @throws {Error} if the first write fails, so that nothing is measured in vain. Later errors wait for
   * `finish`.
   */
  keep(results: Results): Promise<void>;
  /**
   * Writes everything that can be written, with the gates that were checked and the predictions that were
   * made, and returns the first error.
   */
  finish(
    results: Results,
    checks?: readonly GateCheck[],
    predicted?: PredictedRuns,
  ): Promise<unknown>;
}

/**
 * Opens the outputs.
 *
 * @throws {Error} where the folder cannot be made.
 */
export async function openOutputs({ json, out, html, findings }: OutputPlaces): Promise<Outputs> {
  if (out !== undefined) {
    await Deno.mkdir(out, { recursive: true }).catch((cause) => {
      throw new Error(`${out} cannot be made: ${reasonOf(cause)}`, { cause });
    });
  }
  const documents = [json === "-" ? undefined : json, out && `${out}/results.json`]
    .filter((path) => path !== undefined);
  const verdict = findings === "-" ? undefined : findings;
  let opened = false;
  let unwritten: unknown;
  const later = (error: unknown) => void (unwritten ??= error);
  return {
    async keep(results) {
      for (const path of documents) {
        await writeResults(path, results).catch((error) => {
          if (!opened) throw error;
          later(error);
        });
      }
      if (!opened) {
        if (html !== undefined) await writePage(html, results);
        if (out !== undefined) await removeReport(out);
        if (verdict !== undefined) await writeWhole(verdict, renderFindings([{ results }]));
      }
      opened = true;
    },
    async finish(results, checks, predicted) {
      if (out !== undefined) await writeReport(out, results, later, checks, predicted);
      if (html !== undefined) await writePage(html, results, checks, predicted).catch(later);
      if (verdict !== undefined) await writeWhole(verdict, renderFindings([{ results }])).catch(later);
      return unwritten;
    },
  };
}

/**
 * What a bench shows on standard error while it measures: one line that changes where that is a terminal, and a
 * line for each repetition where it is not.
 *
 * @module
 */

import { format as formatDuration } from "@std/fmt/duration";
import { isMeasured, openerOf } from "../results/results.ts";
import type { BenchObserver, BenchPlan, BenchProgress } from "./runner.ts";

/** Something that text can be written to. */
export interface TextOutput {
  /** Writes the text and no line end of its own. Must not throw: a lost terminal stops no bench. */
  write(text: string): void;
  /** Columns of the terminal; `undefined` where it is none. */
  columns(): number | undefined;
}

/** Standard error. */
export const standardError: TextOutput = {
  write(text) {
    try {
      Deno.stderr.writeSync(new TextEncoder().encode(text));
    } catch {
      // A closed terminal is no reason to stop measuring.
    }
  },
  columns() {
    if (!Deno.stderr.isTerminal() || Deno.env.get("TERM") === "dumb") return undefined;
    try {
      return Deno.consoleSize().columns || undefined;
    } catch {
      return 80;
    }
  },
};

/** How long a repetition is expected to take, in milliseconds. */
export interface RepetitionDurations {
  /** The load that counts. */
  readonly durationMs: number;
  /** All that does not: the warm-up, and what a repetition takes besides its load. */
  readonly besideMs: number;
}

/** What a repetition takes besides its load, in milliseconds: a lab, its parties, and a last look at the sockets. */
const BESIDE_LOAD_MS = 700;

/** How long each repetition of a plan is expected to take: that of its longest run. */
export function durationsOf({ scenario }: Pick<BenchPlan, "scenario">): RepetitionDurations {
  const loads = scenario.runs.map(({ options }) => options.load);
  return {
    durationMs: Math.max(...loads.map(({ durationMs }) => durationMs)),
    besideMs: BESIDE_LOAD_MS + Math.max(...loads.map(({ warmUpMs }) => warmUpMs)),
  };
}

/** Announces a bench that will take more than a minute. */
export function announce(plan: BenchPlan): void {
  const { scenario: { name, runs }, repeat, until } = plan;
  const { durationMs, besideMs } = durationsOf(plan);
  const minutes = runs.length * repeat * (durationMs + besideMs) / 60_000;
  if (minutes < 1) return;
  const least = until === null ? "about" : "at least";
  console.error(`${name}: ${runs.length} runs, ${repeat} times each: ${least} ${minutes.toFixed(1)} min`);
}

const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/**
 * Shows a bench's progress.
 *
 * @param durations of one repetition, for the time left.
 */
export function showProgress(
  output: TextOutput,
  durations: RepetitionDurations,
): Required<Pick<BenchObserver, "onProgress" | "onRepetition">> {
  return {
    onProgress(progress) {
      const columns = output.columns();
      if (columns === undefined) return;
      output.write(`\r\x1b[K${renderProgress(progress, durations, columns)}`);
    },
    onRepetition(run, repetition, result) {
      if (output.columns() !== undefined) output.write("\r\x1b[K");
      const outcome = isMeasured(result)
        ? `${count.format(result.requestsPerSec)} requests/s, ` +
          `${count.format(result.hosts[openerOf(result.processes)].timeWaitPeak)} TIME_WAIT`
        : `failed: ${result.failed}`;
      output.write(`${run} ${repetition}: ${outcome}\n`);
    },
  };
}

/** The changing line, no wider than the terminal. */
export function renderProgress(
  progress: BenchProgress,
  { durationMs, besideMs }: RepetitionDurations,
  columns: number,
): string {
  const { done, total, run, repetition, load } = progress;
  const repetitionMs = besideMs + durationMs;
  const ofThisMs = load === undefined ? 0 : Math.min(repetitionMs, besideMs + load.elapsedMs);
  const passedMs = Math.min(total * repetitionMs, done * repetitionMs + ofThisMs);
  const share = passedMs / (total * repetitionMs);
  const leftMs = Math.ceil((total * repetitionMs - passedMs) / 1000) * 1000;
  const bar = "#".repeat(Math.round(share * 20)).padEnd(20, ".");
  const live = load === undefined
    ? "starting"
    : `${count.format(load.requestsPerSec)} requests/s  ${count.format(load.timeWait)} TIME_WAIT`;
  const left = leftMs === 0 ? "" : `  ${formatDuration(leftMs, { ignoreZero: true })} left`;
  return `[${bar}] ${run} ${repetition}  ${live}${left}`.slice(0, columns - 1);
}

/**
 * What a bench shows on standard error while it measures: a line for each repetition, and in a terminal below
 * them a line that changes.
 *
 * @module
 */

import { format as formatDuration } from "@std/fmt/duration";
import { isMeasured, openerOf, servedPerSec } from "../results/results.ts";
import type { BenchObserver, BenchPlan, BenchProgress } from "./runner.ts";

/** Something that text can be written to. */
export interface TextOutput {
  /** Writes the text as it is, without a line end. Must not throw: a lost terminal stops no bench. */
  write(text: string): void;
  /** Columns of the terminal; `undefined` where the output is no terminal. */
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
export interface RepetitionDuration {
  /** The load that counts. */
  readonly loadMs: number;
  /** Everything else: the lab, its parties, the warm-up, and a last look at the sockets. */
  readonly overheadMs: number;
}

/** How long a repetition of each run is expected to take, by the name of the run. */
export type RunDurations = Readonly<Record<string, RepetitionDuration>>;

/** What a repetition takes besides its load and its warm-up, in milliseconds. */
const OVERHEAD_MS = 700;

/** How long a repetition of each run of a plan is expected to take. */
export function durationsOf({ scenario }: Pick<BenchPlan, "scenario">): RunDurations {
  return Object.fromEntries(scenario.runs.map(({ name, options: { load } }) => [
    name,
    { loadMs: load.durationMs, overheadMs: OVERHEAD_MS + load.warmUpMs },
  ]));
}

/** How long one repetition of each of these runs takes, in milliseconds. */
function sumMs(durations: RunDurations, runs: readonly string[] = Object.keys(durations)): number {
  return runs.reduce((sum, run) => sum + durations[run]!.loadMs + durations[run]!.overheadMs, 0);
}

/** Announces a bench that will take more than a minute. */
export function announce(plan: BenchPlan): void {
  const { scenario: { name, runs }, repeat, until } = plan;
  const minutes = repeat * sumMs(durationsOf(plan)) / 60_000;
  if (minutes < 1) return;
  const least = until === null ? "about" : "at least";
  console.error(`${name}: ${runs.length} runs, ${repeat} times each: ${least} ${minutes.toFixed(1)} min`);
}

const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/**
 * Shows a bench's progress.
 *
 * @param durations for the time left.
 */
export function showProgress(
  output: TextOutput,
  durations: RunDurations,
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
        ? `${count.format(servedPerSec(result))} requests/s, ` +
          `${count.format(result.hosts[openerOf(result.processes)].timeWaitPeak)} TIME_WAIT`
        : `failed: ${result.failed}`;
      output.write(`${run} ${repetition}: ${outcome}\n`);
    },
  };
}

/** The changing line, no wider than the terminal. */
export function renderProgress(progress: BenchProgress, durations: RunDurations, columns: number): string {
  const { rounds, run, repetition, ended, load } = progress;
  const { loadMs, overheadMs } = durations[run]!;
  const underWayMs = load === undefined ? 0 : overheadMs + Math.min(loadMs, load.elapsedMs);
  const roundMs = sumMs(durations);
  const passedMs = (repetition - 1) * roundMs + sumMs(durations, ended) + underWayMs;
  const totalMs = rounds * roundMs;
  const leftMs = Math.ceil((totalMs - passedMs) / 1000) * 1000;
  const bar = "#".repeat(Math.round(passedMs / totalMs * 20)).padEnd(20, ".");
  const live = load === undefined
    ? "starting"
    : `${count.format(load.requestsPerSec)} requests/s  ${count.format(load.timeWait)} TIME_WAIT`;
  const left = leftMs === 0 ? "" : `  ${formatDuration(leftMs, { ignoreZero: true })} left`;
  return `[${bar}] ${run} ${repetition}  ${live}${left}`.slice(0, columns - 1);
}

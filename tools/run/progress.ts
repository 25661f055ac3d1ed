/**
 * What a bench shows on standard error while it measures: a line for each repetition, after the first round a
 * line for each run, and in a terminal below them a line that changes.
 *
 * @module
 */

import { format as formatDuration } from "@std/fmt/duration";
import { showControls } from "../errors.ts";
import { isMeasured, openerIn, type Repetition, servedPerSec } from "../results/results.ts";
import type { FindPlan } from "../scenario/find.ts";
import type { RunPlan } from "../scenario/plan.ts";
import { MOST_TRIALS } from "../verdict/bisection.ts";
import type { BenchPlan } from "./bench_plan.ts";
import { runsToFind, stepOf } from "./find_steps.ts";
import type { BenchObserver, BenchProgress } from "./runner.ts";

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
  const { scenario: { name, runs }, repeat, until, find, decide } = plan;
  if (find !== undefined) return console.error(`${showControls(name)}: ${announceFind(runs, find)}`);
  const minutes = repeat * sumMs(durationsOf(plan)) / 60_000;
  if (minutes < 1) return;
  const least = until === null && decide === undefined ? "about" : "at least";
  console.error(
    `${showControls(name)}: ${runs.length} runs, ${repeat} times each: ${least} ${minutes.toFixed(1)} min`,
  );
}

/** What a bisection will take at the most. */
function announceFind(runs: readonly RunPlan[], find: FindPlan): string {
  const found = runsToFind(runs, find);
  // The values are not known yet: one in three is taken to be as long as the longest.
  const steps = found.flatMap((run) =>
    [find.high, find.low, find.low].map((value) => stepOf(run, find, value).options.load)
  );
  const ms = steps.reduce((sum, load) => sum + OVERHEAD_MS + load.warmUpMs + load.durationMs, 0);
  const minutes = (ms * MOST_TRIALS / 3 / 60_000).toFixed(1);
  return `${found.length} ${found.length === 1 ? "run" : "runs"}, at most ${MOST_TRIALS} repetitions each: ` +
    `at most about ${minutes} min`;
}

/**
 * The runs of which the first round is an answer already, which later rounds refine: none where there is one
 * round only, or a bisection, whose runs have no rounds in common.
 */
export function runsToSumUp(
  { scenario, repeat, until, decide, find }: Pick<
    BenchPlan,
    "scenario" | "repeat" | "until" | "decide" | "find"
  >,
): string[] {
  const isRefined = repeat > 1 || until !== null || decide !== undefined;
  return find === undefined && isRefined ? scenario.runs.map(({ name }) => name) : [];
}

const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const ratio = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2 });

/**
 * Shows a bench's progress.
 *
 * @param durations for the time left.
 * @param toSumUp the runs that have a line each once all of them were measured once. Default none.
 */
export function showProgress(
  output: TextOutput,
  durations: RunDurations,
  toSumUp: readonly string[] = [],
): Required<Pick<BenchObserver, "onProgress" | "onRepetition">> {
  let shown = "";
  const firstRound = new Map<string, Repetition>();
  // A terminal that has become narrower has broken the line into several.
  const clear = (columns: number) => {
    const above = Math.max(0, Math.ceil(shown.length / columns) - 1);
    output.write(`\r\x1b[K${"\x1b[A\x1b[K".repeat(above)}`);
    shown = "";
  };
  return {
    onProgress(progress) {
      const columns = output.columns();
      if (columns === undefined) return;
      clear(columns);
      shown = renderProgress(progress, durations, columns);
      output.write(shown);
    },
    onRepetition(run, repetition, result) {
      const columns = output.columns();
      if (columns !== undefined) clear(columns);
      output.write(`${inOneLine(`${run} ${repetition}: ${renderOutcome(result)}`)}\n`);
      if (repetition !== 1 || !toSumUp.includes(run)) return;
      firstRound.set(run, result);
      if (firstRound.size === toSumUp.length) output.write(renderFirstRound(toSumUp, firstRound));
    },
  };
}

/** All runs once, in the order of the scenario: the first answer of a bench. */
function renderFirstRound(runs: readonly string[], first: ReadonlyMap<string, Repetition>): string {
  const lines = runs.map((run) =>
    `  ${inOneLine(`${run}: ${renderOutcome(first.get(run)!, { perRequest: true })}`)}\n`
  );
  return `First round, refined below:\n${lines.join("")}`;
}

/** A repetition in a few figures; those of a gateway that was not watched are left out. */
function renderOutcome(
  result: Repetition,
  { perRequest = false }: { readonly perRequest?: boolean } = {},
): string {
  if (!isMeasured(result)) return `failed: ${result.failed}`;
  const opener = result.hosts[openerIn(result)];
  const { requests } = result;
  return [
    `${count.format(servedPerSec(result))} requests/s`,
    ...(opener === null || !perRequest || requests === 0
      ? []
      : [`${ratio.format(opener.connectionsOpened / requests)} connections per request`]),
    ...(opener === null ? [] : [`${count.format(opener.timeWaitPeak)} TIME_WAIT`]),
  ].join(", ");
}

function inOneLine(text: string): string {
  return showControls(text).replaceAll(/\s*\n\s*/g, " ");
}

/** The changing line, no wider than the terminal: a narrow one loses other parts before the time left. */
export function renderProgress(progress: BenchProgress, durations: RunDurations, columns: number): string {
  const { rounds, run, repetition, ended, load, waitsFor } = progress;
  const { loadMs, overheadMs } = durations[run]!;
  const underWayMs = load === undefined ? 0 : overheadMs + Math.min(loadMs, load.elapsedMs);
  const roundMs = sumMs(durations);
  const passedMs = (repetition - 1) * roundMs + sumMs(durations, ended) + underWayMs;
  const totalMs = rounds * roundMs;
  const leftMs = Math.ceil((totalMs - passedMs) / 1000) * 1000;
  const bar = (length: number) =>
    `[${"#".repeat(Math.round(passedMs / totalMs * length)).padEnd(length, ".")}] `;
  const name = `${showControls(run)} ${repetition}`;
  const left = leftMs === 0 ? "" : `  ${formatDuration(leftMs, { ignoreZero: true })} left`;
  const rate = waitsFor !== undefined
    ? `  waits for ${count.format(waitsFor)} TIME_WAITs to go`
    : load === undefined
    ? "  starting"
    : `  ${count.format(load.requestsPerSec)} requests/s`;
  const timeWait = load?.timeWait === undefined ? "" : `  ${count.format(load.timeWait)} TIME_WAIT`;
  // What a narrow terminal does without, the least missed first; the time left is kept to the last.
  const narrower = [
    `${bar(20)}${name}${rate}${timeWait}${left}`,
    `${bar(10)}${name}${rate}${timeWait}${left}`,
    `${name}${rate}${timeWait}${left}`,
    `${name}${rate}${left}`,
    `${name}${left}`,
    left.trim() === "" ? name : left.trim(),
  ];
  return narrower.find(({ length }) => length < columns) ?? narrower.at(-1)!.slice(0, columns - 1);
}

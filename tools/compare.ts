/**
 * Compares kept results, and checks gates: `deno task compare A.json B.json…`.
 *
 * @module
 */

import type { Call } from "./cli/command_line.ts";
import { TimewaitError } from "./errors.ts";
import {
  CANNOT_TELL,
  listFlag,
  type Main,
  mainOf,
  type Options,
  runAsScript,
  switchFlag,
} from "./cli/command_line.ts";
import { renderComparison } from "./report/comparison_report.ts";
import type { NamedResults } from "./report/sections/differences.ts";
import { checkGates, type GateCheck, type GatedRun, parseGate } from "./verdict/gate.ts";
import { gatesThatCannotFail } from "./verdict/gate_proof.ts";
import { readResults } from "./results/read.ts";

const FLAGS = {
  gate: listFlag("GATE", "condition that must hold: [RUN:]FIGURE>=LIMIT or <=; with a % a change", parseGate),
  selfTest: switchFlag("proof that each gate can fail, on figures moved beyond its limit"),
};

/**
 * The command's entry point. Exit code 0 where every gate holds, 1 where one fails and the repetitions show it, 2 bad
 * usage, 3 where none fails but one cannot be told.
 */
export const main: Main = mainOf({
  name: "compare",
  summary: "Compares kept results with the first of them, run by run, and checks gates.",
  positionals: "A.json [B.json…]",
  flags: FLAGS,
  examples: [
    "deno task compare main/results.json branch/results.json",
    "deno task compare A.json B.json --gate 'requestsPerSec>=-5%' --gate 'gateway.timeWaitPeak<=1000'",
    "deno task compare A.json --gate 'pool-1000:gateway.timeWaitPeak<=1000'",
  ],
  run: compare,
});

async function compare(options: Options<typeof FLAGS>, { positionals: paths }: Call): Promise<number> {
  if (paths.length === 0) {
    throw new TimewaitError("compare takes the results that bench has written: A.json B.json…");
  }
  const documents = await Promise.all(paths.map(async (path, i): Promise<NamedResults> => {
    return { name: nameOf(path, i, paths), results: await readResults(path) };
  }));
  const [first, ...others] = documents as [NamedResults, ...NamedResults[]];
  for (const { name, results } of others) {
    const [a, b] = [first.results.environment.load.name, results.environment.load.name];
    if (a !== b) {
      throw new TimewaitError(
        `the load of ${first.name} came from ${a}, that of ${name} from ${b}: they cannot be compared`,
      );
    }
  }
  if (options.selfTest) return selfTest(options.gate, first);
  // All in one go, because they are corrected for how many there are.
  const gated = (others.length === 0 ? [first] : others).flatMap(({ name, results }) =>
    results.runs.map((run): GatedRun => {
      const against = others.length === 0
        ? undefined
        : first.results.runs.find((other) => other.name === run.name);
      return {
        run,
        ...(against === undefined ? {} : { against }),
        ...(others.length < 2 ? {} : { of: name }),
      };
    })
  );
  const checks = checkGates(options.gate, gated, { seed: first.results.seed });
  console.log(renderComparison(documents, checks).trimEnd());
  return exitCodeOf(checks);
}

/** 1 where a gate fails, 3 where none does and one cannot be told, else 0. */
export function exitCodeOf(checks: readonly GateCheck[]): number {
  if (checks.some(({ verdict }) => verdict === "fails")) return 1;
  return checks.some(({ verdict }) => verdict === "cannot tell") ? CANNOT_TELL : 0;
}

function selfTest(gates: Options<typeof FLAGS>["gate"], { name, results }: NamedResults): number {
  if (gates.length === 0) throw new TimewaitError("--self-test is of gates: give them with --gate");
  const blunt = gatesThatCannotFail(gates, results.runs, results.seed);
  for (const { gate, run, repetitionsNeeded } of blunt) {
    const why = repetitionsNeeded === undefined ? "" : `: too few repetitions, ${repetitionsNeeded} would do`;
    console.log(`\`${gate.text}\` cannot fail for \`${run}\` of ${name}${why}`);
  }
  if (blunt.length === 0) console.log(`each of ${gates.length} gates can fail`);
  return blunt.length === 0 ? 0 : 1;
}

/** The shortest end of a path that tells it from the others, such as `main/results.json`. */
function nameOf(path: string, index: number, paths: readonly string[]): string {
  const parts = path.split("/");
  for (let length = 1; length < parts.length; length++) {
    const end = parts.slice(-length).join("/");
    if (!paths.some((other, i) => i !== index && `/${other}`.endsWith(`/${end}`))) return end;
  }
  return path;
}

if (import.meta.main) await runAsScript(main);

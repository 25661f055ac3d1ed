/**
 * Compares kept results, and checks gates: `deno task compare A.json B.json…`.
 *
 * @module
 */

import {
  type Call,
  CANNOT_TELL,
  listFlag,
  type Main,
  mainOf,
  type Options,
  runAsScript,
  switchFlag,
} from "./cli/command_line.ts";
import { showControls, TimewaitError } from "./errors.ts";
import { renderComparison } from "./report/comparison_report.ts";
import { readResults } from "./results/read.ts";
import { checkDocuments, type NamedResults, requireOneGenerator } from "./verdict/documents.ts";
import { type Gate, type GateCheck, parseGate } from "./verdict/gate.ts";
import { gatesThatCannotFail } from "./verdict/gate_proof.ts";

const FLAGS = {
  gate: listFlag("GATE", "condition that must hold: [RUN:]FIGURE>=LIMIT or <=; with a % a change", parseGate),
  selfTest: switchFlag("proof that each gate can fail, on figures moved beyond its limit"),
};

/**
 * The command's entry point. Exit code 0 every gate holds, 1 the repetitions show that a gate fails, 2 bad
 * usage, 3 no gate is shown to fail, and the repetitions cannot tell of at least one.
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

async function compare({ gate, selfTest }: Options<typeof FLAGS>, { positionals }: Call): Promise<number> {
  if (positionals.length === 0) {
    throw new TimewaitError("compare takes the results that bench has written: A.json B.json…");
  }
  const documents = await Promise.all(positionals.map(async (path, i): Promise<NamedResults> => {
    return { name: nameOf(path, i, positionals), results: await readResults(path) };
  }));
  requireOneGenerator(documents);
  if (selfTest) return testGates(gate, documents[0]!);
  const checks = checkDocuments(gate, documents);
  console.log(renderComparison(documents, checks).trimEnd());
  return exitCodeOf(checks);
}

/** 1 where a gate fails, 3 where none does and the repetitions cannot tell of at least one, else 0. */
export function exitCodeOf(checks: readonly GateCheck[]): number {
  if (checks.some(({ verdict }) => verdict === "fails")) return 1;
  return checks.some(({ verdict }) => verdict === "cannot tell") ? CANNOT_TELL : 0;
}

function testGates(gates: readonly Gate[], { name, results }: NamedResults): number {
  if (gates.length === 0) throw new TimewaitError("--self-test is of gates: give them with --gate");
  const harmless = gatesThatCannotFail(gates, results.runs, results.seed);
  for (const { gate, run, repetitionsNeeded } of harmless) {
    const why = repetitionsNeeded === undefined
      ? ""
      : `: too few repetitions, ${repetitionsNeeded} would be enough`;
    console.log(showControls(`\`${gate.text}\` cannot fail for \`${run}\` of ${name}${why}`));
  }
  if (harmless.length === 0) console.log(`each of ${gates.length} gates can fail`);
  return harmless.length === 0 ? 0 : 1;
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

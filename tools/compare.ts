/**
 * Compares kept results, and checks gates: `deno task compare A.json B.json…`.
 *
 * @module
 */

import {
  type Call,
  type Main,
  mainOf,
  type Options,
  printOutput,
  runAsScript,
  switchFlag,
} from "./cli/command_line.ts";
import { FINDINGS_FLAGS, PRODUCT_FLAGS, withProducts } from "./cli/findings_flags.ts";
import { exitCodeOf, GATE_FLAGS } from "./cli/gate_flags.ts";
import { showControls, TimewaitError } from "./errors.ts";
import { renderComparison } from "./report/comparison_report.ts";
import { formatShare } from "./report/format.ts";
import { renderGates } from "./report/sections/gates.ts";
import { readResults } from "./results/read.ts";
import { writeWhole } from "./results/write.ts";
import { checkDocuments, type NamedResults, requireOneGenerator } from "./verdict/documents.ts";
import { renderFindings } from "./verdict/findings_document.ts";
import type { Gate } from "./verdict/gate.ts";
import { LARGEST_STEP, proveGates } from "./verdict/gate_proof.ts";

const FLAGS = {
  ...GATE_FLAGS,
  ...PRODUCT_FLAGS,
  ...FINDINGS_FLAGS,
  selfTest: switchFlag("how far beyond its limit each gate fails, with the noise of the first results"),
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
    "deno task compare A.json --product nginx@1.22 --findings -",
  ],
  run: compare,
});

async function compare(
  { gate, selfTest, product, findings }: Options<typeof FLAGS>,
  { positionals }: Call,
): Promise<number> {
  if (positionals.length === 0) {
    throw new TimewaitError("compare takes the results that bench has written: A.json B.json…");
  }
  const documents = await Promise.all(positionals.map(async (path, i): Promise<NamedResults> => {
    return { name: nameOf(path, i, positionals), results: withProducts(await readResults(path), product) };
  }));
  requireOneGenerator(documents);
  if (selfTest) return testGates(gate, documents[0]!);
  const checks = checkDocuments(gate, documents);
  const verdict = () =>
    renderFindings(documents.length === 1 ? [{ results: documents[0]!.results }] : documents);
  if (findings === "-") {
    await printOutput(verdict());
    if (checks.length > 0) console.error(renderGates(checks).join("\n"));
    return exitCodeOf(checks);
  }
  if (findings !== undefined) await writeWhole(findings, verdict());
  console.log(renderComparison(documents, checks).trimEnd());
  return exitCodeOf(checks);
}

function testGates(gates: readonly Gate[], { name, results }: NamedResults): number {
  if (gates.length === 0) throw new TimewaitError("--self-test is of gates: give them with --gate");
  const proofs = proveGates(gates, results.runs.map((run) => ({ run, against: run })));
  for (const { check: { gate, run, repetitionsNeeded }, failsBeyond } of proofs) {
    const check = `\`${gate.text}\``;
    const line = failsBeyond !== undefined
      ? `${check} fails for \`${run}\` of ${name} from ${formatShare(failsBeyond)} beyond its limit on`
      : `${check} cannot fail for \`${run}\` of ${name}` +
        (repetitionsNeeded === undefined
          ? `: its noise hides even ${formatShare(LARGEST_STEP)} beyond the limit`
          : `: too few repetitions, ${repetitionsNeeded} would be enough`);
    console.log(showControls(line));
  }
  return proofs.every(({ failsBeyond }) => failsBeyond !== undefined) ? 0 : 1;
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

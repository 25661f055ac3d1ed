import { assertEquals, assertStringIncludes } from "@std/assert";
import { renderComparison } from "../../tools/report/comparison_report.ts";
import { renderReport } from "../../tools/report/report.ts";
import type { Results } from "../../tools/results/results.ts";
import { checkDocuments } from "../../tools/verdict/documents.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { repetition, results, resultsOf, run } from "../support/made_up_results.ts";

const RATES = [1000, 1010, 990, 1005, 995, 1002, 998, 1001, 999, 1003];
const MAIN = resultsOf({ direct: RATES, pool: RATES });

/** The first `count` repetitions of each run, those of `pool` with the given ones failed. */
function cut(document: Results, count: number, failed = 0): Results {
  const runs = document.runs.map((run) => ({
    ...run,
    repetitions: run.repetitions.slice(0, count)
      .map((one, i) => run.name === "pool" && i < failed ? { failed: "it crashed" } : one),
  }));
  return { ...document, runs };
}

function compare(main: Results, branch: Results, gate?: string): string {
  const documents = [{ name: "main", results: main }, { name: "branch", results: branch }];
  return renderComparison(documents, checkDocuments(gate === undefined ? [] : [parseGate(gate)], documents));
}

Deno.test("a comparison names what is missing: lost runs, failed repetitions, a bench that was stopped", () => {
  const lost = compare(MAIN, resultsOf({ direct: RATES, renamed: RATES }));
  assertStringIncludes(lost, "**Missing**: branch has no run `pool`.");
  const gated = compare(MAIN, resultsOf({ direct: RATES, renamed: RATES }), "requestsPerSec>=-5%");
  assertStringIncludes(gated, "cannot tell: not measured in branch");
  const failing = compare(MAIN, cut(MAIN, 10, 5), "requestsPerSec>=-5%");
  assertStringIncludes(failing, "**Missing**: `pool` failed in 5 of 10 repetitions of branch.");
  assertStringIncludes(failing, "|  5 of 10 |");
  assertStringIncludes(failing, "of 5 repetitions (`pool` of branch), with");
  assertStringIncludes(failing, "cannot tell: 5 of 10 repetitions failed or lack the figure");
  const stopped = compare(MAIN, { ...cut(MAIN, 6), interrupted: true });
  assertStringIncludes(stopped, "**Missing**: branch was stopped before all was measured.");
  assertEquals(compare(MAIN, MAIN).includes("Missing"), false);
});

Deno.test("a comparison says what its intervals cover, and claims no 95% of two repetitions", () => {
  const two = compare(cut(MAIN, 2), cut(MAIN, 2));
  assertStringIncludes(two, "hold the true median in 50.0% of benches");
  assertStringIncludes(two, "hold the true change in 66.7% of comparisons");
  assertEquals(two.includes("95"), false);
});

Deno.test("a report says what each interval covers, by run where the repetitions differ", () => {
  const report = renderReport(cut(MAIN, 10, 6));
  assertStringIncludes(
    report,
    "Medians of 10 repetitions (`direct`), with intervals that hold the true median in 97.9% of benches; of 4 repetitions " +
      "(`pool`), with intervals from the lowest to the highest, which hold the true median in 87.5% of benches. " +
      "6 repetitions failed.",
  );
  assertStringIncludes(report, "its interval holds the true one in 87.5% of benches");
});

Deno.test("one run with too few repetitions is named, and the others keep their explanation", () => {
  const { runs } = cut(resultsOf({ direct: RATES, pool: RATES }), 8, 5);
  const half = run("half", RATES.slice(0, 8).map((rate) => repetition(rate / 2, { opened: 9 })));
  const method = { repeat: 8, until: null };
  const report = renderReport(results([...runs, half], { method }));
  assertStringIncludes(
    report,
    "**Too few repetitions to show a difference** of `pool`, however large: 7 rounds in which both runs were measured would " +
      "be enough. A loss or gain without",
  );
});

Deno.test("a report of a bench that chose when to stop says so", () => {
  const report = renderReport({ ...MAIN, method: { repeat: 6, until: { width: 0.05, maxTimeMs: 600_000 } } });
  assertStringIncludes(report, "is shown at 2.5%");
  assertStringIncludes(report, "its interval holds the true one in 95.0% of benches");
  assertStringIncludes(report, "so they are made for 97.5%, of which at least 95% are left");
});

Deno.test("where no difference is shown, the first sentence says how large one could be", () => {
  const noisy = RATES.map((rate, i) => rate * (i % 2 === 0 ? 1.02 : 0.98));
  const report = renderReport(resultsOf({ direct: RATES, pool: noisy }));
  assertStringIncludes(
    report,
    "`pool` shows no difference in requests/s from `direct` (it serves at most 2.0% fewer and 2.0% more)",
  );
});

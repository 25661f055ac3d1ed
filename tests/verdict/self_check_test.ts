import { assertEquals, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import { type Results } from "../../tools/results/results.ts";
import { selfCheckResult } from "../../tools/verdict/self_check.ts";
import { resultsOf } from "../support/made_up_results.ts";

function selfCheck(a: readonly number[], b: readonly number[]): Results {
  return {
    ...resultsOf({ "direct-a": a, "direct-b": b }),
    method: { repeat: 5, until: null, selfCheck: true },
  };
}

const A = [100, 101, 102, 99, 98, 100];

Deno.test("a self-check passes where no difference is shown, and is a false alarm where one is", () => {
  const passed = selfCheck(A, [99, 102, 100, 101, 98, 101]);
  assertEquals(selfCheckResult(passed)!.verdict, "passed");
  assertStringIncludes(
    renderReport(passed),
    "**The self-check passed**: no difference is shown between `direct-a` and `direct-b`, which are the same; `direct-b` has",
  );
  const alarm = selfCheck(A, A.map((value) => value / 2));
  assertEquals(selfCheckResult(alarm)!.verdict, "false alarm");
  assertStringIncludes(renderReport(alarm), "**The self-check failed, a false alarm**");
  assertStringIncludes(renderReport(alarm), "`direct-b` has -50.0% requests/s");
});

Deno.test("a self-check that could not raise an alarm has not passed, and says how many repetitions would do", () => {
  const few = selfCheck([100, 101], [1, 2]);
  assertEquals(selfCheckResult(few)!.verdict, "cannot tell");
  assertStringIncludes(renderReport(few), "**The self-check cannot tell**: the repetitions are too few");
  assertStringIncludes(renderReport(few), "`--repeat 6` would be enough");
});

Deno.test("results of anything else are no self-check", () => {
  const results = resultsOf({ direct: A, pool: A });
  assertEquals(selfCheckResult(results), undefined);
  assertEquals(renderReport(results).includes("self-check"), false);
});

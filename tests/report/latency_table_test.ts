import { assertEquals, assertStringIncludes } from "@std/assert";
import { mergedLatency, renderLatency } from "../../tools/report/latency_table.ts";
import { repetition, results, run } from "./made_up_results.ts";

const NO_ERRORS = repetition(1, {}).errors;

Deno.test("latencies of all repetitions are one distribution, and a timeout counts as the timeout", () => {
  const one = repetition(1_000, { opened: 9, latencyHistogram: { us: [100, 200], count: [90, 9] } });
  const other = { ...one, errors: { ...NO_ERRORS, timeout: 1 } };
  const latency = mergedLatency(run("pool-100", [one, other]))!;
  assertEquals(latency.answers, 199);
  assertEquals([latency.p50, latency.p99, latency.max], [100, 200, 2_000_000]);
});

Deno.test("a run of which one repetition has no histogram has no merged latency", () => {
  const without = repetition(1_000, { opened: 9, latencyHistogram: null });
  assertEquals(mergedLatency(run("pool-100", [repetition(1_000), without])), undefined);
  assertEquals(renderLatency(results([run("pool-100", [without])])), []);
});

Deno.test("the report says that the percentiles are those of a closed loop", () => {
  assertStringIncludes(
    renderLatency(results([run("pool-100", [repetition(1_000)])])).join("\n"),
    "closed loop",
  );
});

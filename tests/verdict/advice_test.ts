import { assertEquals } from "@std/assert";
import { type Measured, type Run } from "../../tools/results/results.ts";
import { analyse } from "../../tools/verdict/findings.ts";
import { BASELINE, churning, RANGE, REUSE, runOf } from "../support/made_up_knobs.ts";
import { pool, repetition, results, run } from "../support/made_up_results.ts";

const LATE = { connect: 0, read: 0, write: 0, timeout: 100, status: 0 };

/** What is found of a run beside a baseline. */
function verdict(run: Run, baseline = BASELINE) {
  return analyse(results([baseline, run])).runs[1]!.advice?.verdict;
}

Deno.test("a pool that keeps its connections is a cure", () => {
  const fits = run("pool-fits", [repetition(1000, { opened: 100, timeWait: 0 })], pool(100));
  assertEquals(verdict(fits), "cure");
});

Deno.test("what ends the failures and not the churn is a painkiller, if ports were left over or taken again", () => {
  assertEquals(verdict(runOf("a", churning(0, {}, { timeWaitReused: 3000 }), REUSE, "1")), "painkiller");
  assertEquals(verdict(runOf("a", churning(0), RANGE, "1024 65535")), "painkiller");
});

Deno.test("what leaves the failures is a placebo, and so is a run that was only too slow to reach them", () => {
  assertEquals(verdict(runOf("a", churning(900), "net.ipv4.tcp_fin_timeout", "5")), "placebo");
  assertEquals(verdict(runOf("a", churning(0), "net.ipv4.tcp_fin_timeout", "5")), "placebo");
});

Deno.test("what throws TIME_WAITs away is harmful, though nothing failed", () => {
  const overflowed = churning(0, {}, { timeWaitOverflowed: 3500, portsUsedPeak: 500 });
  assertEquals(verdict(runOf("a", overflowed, "net.ipv4.tcp_max_tw_buckets", "500")), "harmful");
});

Deno.test("where the baseline did not fail there is nothing to cure", () => {
  const calm = runOf("direct", churning(0), REUSE, "0");
  assertEquals(
    verdict(runOf("a", churning(0, {}, { timeWaitReused: 9 }), REUSE, "1"), calm),
    "nothing to cure",
  );
});

Deno.test("one bad repetition of two makes nothing harmful, nor a cure none", () => {
  const late = (one: Measured) => ({ ...one, errors: LATE });
  const twice = (one: Run) => ({
    ...one,
    repetitions: [one.repetitions[0]!, late(one.repetitions[0] as Measured)],
  });
  const calm = runOf("direct", churning(0), REUSE, "0");
  assertEquals(
    verdict(twice(runOf("a", churning(0), "net.ipv4.tcp_fin_timeout", "5")), calm),
    "nothing to cure",
  );
  const fits = repetition(1000, { opened: 100, timeWait: 0, errors: LATE });
  assertEquals(verdict(run("pool-fits", [fits, fits], pool(100))), "cure");
});

import { assert, assertStringIncludes } from "@std/assert";
import { parseFind } from "../../../tools/scenario/find.ts";
import { renderReport } from "../../../tools/report/report.ts";
import { repetition } from "../../support/made_up_results.ts";
import { at, foundResults, together } from "../../support/made_up_sweep.ts";

const pool = (value: number, kept: number) =>
  at("small", "connections", value, [together(value, kept)], { beatMs: 200 });

Deno.test("the report of a bisection begins with the size, and says that it is the effective one", () => {
  const report = renderReport(foundResults([1000, 100, 105].map((value) => pool(value, 100))));
  assertStringIncludes(
    report,
    "# How many connections does its pool hold?\n\nThe pool of `small` holds **100 connections** (100…105).\n",
  );
  assertStringIncludes(report, "*effective*");
  assert(/^\| `small` \| +1,000 \| 0 of 1 \|/m.test(report), report);
});

Deno.test("several pools, and a limit on connections, are said to be such", () => {
  const several = renderReport(foundResults([pool(1000, 128), pool(64, 64), pool(77, 65)]));
  assertStringIncludes(several, "holds **64 connections** (64…77), and its pools together 128.");
  assertStringIncludes(several, "`small` has several pools");
  const hosts = repetition(1, { opened: 40 }).hosts;
  const capped = renderReport(
    foundResults(
      [200, 1000].map((value) => at("small", "connections", value, [{ ...together(value, value), hosts }])),
    ),
  );
  assertStringIncludes(
    capped,
    "`small` opens **at most 40 connections**, however many requests there are at once.",
  );
});

Deno.test("of a rate it is said what was promised, and what broke first", () => {
  const rate = (value: number, p99: number, late: number) =>
    at("small", "ratePerSec", value, [{
      ...repetition(value, { opened: 0 }),
      latencyUs: { ...repetition(1).latencyUs, p99: p99 * 1000 },
      arrivals: { due: 1000, unsent: 0, late },
    }]);
  const find = parseFind("rate", { connections: 9, slo: "p99<=200ms,errors<=0.1%" });
  const report = renderReport(foundResults([rate(1000, 90, 0), rate(1070, 250, 0)], find));
  assertStringIncludes(report, "# What rate keeps p99 ≤ 200 ms and errors ≤ 0.1%?");
  assertStringIncludes(
    report,
    "`small` holds **1,000 requests/s** (1,000…1,070); above, p99 breaks first: p99 was 250.0 ms, more than 200 ms.",
  );
  assertStringIncludes(
    renderReport(foundResults([rate(1000, 90, 0), rate(1070, 250, 500)], find)),
    "the load generator breaks first: it sent 50.0% of the requests late",
  );
});

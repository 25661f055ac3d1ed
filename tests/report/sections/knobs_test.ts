import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../../tools/report/report.ts";
import { analyse } from "../../../tools/verdict/findings.ts";
import { BASELINE, churning, knob, RANGE, REUSE, runOf } from "../../support/made_up_knobs.ts";
import { pool, repetition, results, run } from "../../support/made_up_results.ts";

Deno.test("the report never claims a knob that is not in force", () => {
  const reason = "removed in Linux 4.12";
  const recycle = knob("net.ipv4.tcp_tw_recycle", "1", {
    before: null,
    inForce: null,
    status: "unknown",
    reason,
  });
  const denied = knob(REUSE, "1", { inForce: "2", status: "denied", reason: "it is the machine's own" });
  const runs = [
    BASELINE,
    ...[recycle, denied].map((one, i) => {
      const made = run(`a${i}`, [{ ...churning(0), knobs: [one] }], pool(10));
      return { ...made, options: { ...made.options, sysctls: { [one.key]: one.asked } } };
    }),
  ];
  const report = renderReport(results(runs));
  const { runs: found } = analyse(results(runs));
  for (const { advice } of found.slice(1)) assertEquals(advice?.verdict, "not in force");
  assertMatch(report, /^\| `a0` +\| tcp_tw_recycle = not in force +\| \*\*not in force\*\*/m);
  assertMatch(
    report,
    /^\| `a1` +\| gateway \| `net\.ipv4\.tcp_tw_reuse` .*\| 1 +\| 2 +\| \*\*denied\*\* +\|$/m,
  );
  assertStringIncludes(
    report,
    "`a1`: net.ipv4.tcp_tw_reuse is **not in force** on the gateway: it is the machine's own.",
  );
  assert(!/`a1`[^\n]*tcp_tw_reuse is 1 here/.test(report));
});

Deno.test("a run without knobs has none of these sections", () => {
  const report = renderReport(results([run("direct", [repetition(1000)], null)]));
  assert(!/## (Knobs|What each of them did|Ephemeral ports of the gateway)/.test(report), report);
});

Deno.test("all verdicts stand in one line under the question, the good ones first", () => {
  const report = renderReport(results([
    BASELINE,
    runOf("fin-timeout-5", churning(900), "net.ipv4.tcp_fin_timeout", "5"),
    runOf("wide-range", churning(0), RANGE, "1024 65535"),
    run("pool-fits", [repetition(1000, { opened: 100, timeWait: 0 })], pool(100)),
  ]));
  assertStringIncludes(
    report.slice(0, report.indexOf("| run")),
    "**Against `direct`** – cure: `pool-fits`; painkiller: `wide-range`; placebo: `fin-timeout-5`.",
  );
  // Only the verdicts that were given are explained.
  assert(report.includes("A *placebo* does neither.") && !report.includes("*Harmful* throws"), report);
});

Deno.test("what is to be set is said once for all runs that have the same pool", () => {
  const report = renderReport(results([
    BASELINE,
    runOf("a", churning(900), "net.ipv4.tcp_fin_timeout", "5"),
  ]));
  assertEquals(report.match(/--pool-max-idle-per-host` at least/g)?.length, 1);
  assertStringIncludes(report, "What to set is the same as for `direct`.");
});

Deno.test("more than six runs are drawn in several charts with the same axes, none left out", () => {
  const names = Array.from({ length: 8 }, (_, i) => i === 0 ? "direct" : `run-${i}`);
  const runs = names.map((name, i) =>
    run(name, [repetition(100, { opened: 900, timeWait: 100 * (i + 1) })], pool(10))
  );
  const report = renderReport(results(runs));
  const charts = report.split("## TIME_WAIT on the gateway over time")[1]!.split("\n## ")[0]!;
  assertEquals(charts.match(/```mermaid/g)?.length, 2);
  for (const name of names) assertStringIncludes(charts, `\`${name}\``);
  assertEquals(charts.match(/y-axis "sockets in TIME_WAIT" 0 --> 800/g)?.length, 2);
  assertEquals(charts.match(/^ {2}line /gm)?.length, 8);
});

Deno.test("where the machine's own sysctls are not the lab's, one line says so", () => {
  const document = results([run("direct", [repetition(1000)], null)]);
  const own = (machineSysctls: Record<string, string>) =>
    renderReport({ ...document, environment: { ...document.environment, machineSysctls } });
  const report = own({ [REUSE]: "1", [RANGE]: "32768 60999", "net.ipv4.ip_local_reserved_ports": "" });
  assertMatch(
    report,
    /^- \*\*this machine's own sysctls differ\*\* [^\n]*: net\.ipv4\.tcp_tw_reuse = 1 \(the lab's: 2\);/m,
  );
  assert(!own({ [REUSE]: "2", [RANGE]: "32768 60999" }).includes("sysctls differ"));
  assert(!renderReport(document).includes("sysctls differ"));
});

Deno.test("in a host lab the chart is the machine's, not the gateway's", () => {
  const document = results([run("pool-10", [repetition(1000, { opened: 900, timeWait: 900 })], pool(10))]);
  const inHost = { ...document, environment: { ...document.environment, lab: { kind: "host" } as const } };
  assertStringIncludes(renderReport(document), "## TIME_WAIT on the gateway over time");
  assertStringIncludes(renderReport(inHost), "## TIME_WAIT of the whole machine over time");
});

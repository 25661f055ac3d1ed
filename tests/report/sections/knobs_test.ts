import { type HostResult } from "../../../tools/observe/series.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Knob } from "../../../tools/lab/knobs.ts";
import { judgeRun } from "../../../tools/report/sections/advice.ts";
import { portUseOf } from "../../../tools/report/sections/ports.ts";
import { renderReport } from "../../../tools/report/report.ts";
import { type Measured, type Run } from "../../../tools/results/results.ts";
import { pool, repetition, results, run } from "../../support/made_up_results.ts";

const REUSE = "net.ipv4.tcp_tw_reuse";
const RANGE = "net.ipv4.ip_local_port_range";
const errors = { connect: 0, read: 0, write: 0, timeout: 0 };

function knob(key: string, asked: string, more: Partial<Knob> = {}): Knob {
  return { host: "gateway", key, before: "2", asked, inForce: asked, status: "applied", ...more };
}

/** A gateway that opens 500 connections a second, of which `failed` requests in all fail. */
function churning(failed: number, more: Partial<Measured> = {}, gateway: Partial<HostResult> = {}): Measured {
  const made = repetition(1000, {
    opened: 4000,
    timeWait: 4000,
    errors: { ...errors, status: failed },
    ...more,
  });
  return {
    ...made,
    hosts: { ...made.hosts, gateway: { ...made.hosts.gateway, portsUsedPeak: 4000, ...gateway } },
  };
}

function runOf(name: string, measured: Measured, key: string, value: string, more: Partial<Run> = {}): Run {
  const made = run(name, [{ ...measured, knobs: [knob(RANGE, "20000 23999"), knob(key, value)] }], pool(10));
  const options = { ...made.options, sysctls: { [RANGE]: "20000 23999", [key]: value } };
  return { ...made, options, ...more };
}

const BASELINE = runOf("direct", churning(2000), REUSE, "0");
const { environment } = results([]);
const verdict = (one: Run, baseline = BASELINE) => judgeRun(one, baseline, environment);

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
  for (const one of runs.slice(1)) assertEquals(verdict(one), "not in force");
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

Deno.test("connects that get slower from half of the range on do not lead the prediction astray", () => {
  // 100 ports a second up to half of 400, which is at 2 s, and 50 from then on.
  const timeMs = Array.from({ length: 81 }, (_, i) => i * 100);
  const timeWait = timeMs.map((ms) => Math.min(400, ms <= 2000 ? ms / 10 : 200 + (ms - 2000) / 20));
  const idle = timeMs.map(() => 0);
  const host = { timeWait: idle, established: idle, connectionsOpened: idle };
  const hosts = { client: host, gateway: { ...host, timeWait }, backend: host };
  const { halfSec, predictedSec } = portUseOf(
    churning(0, { samples: { timeMs, hosts, answered: { timeMs: [], requests: [] } } }),
    400,
  );
  assertEquals(halfSec, 2);
  assert(Math.abs(predictedSec! / 6 - 1) < 0.2, `${predictedSec} s, and it is after 6 s`);
});

Deno.test("the second of exhaustion is foretold from the rate at which the ports were taken", () => {
  // 100 ports a second from the first second on.
  const timeMs = Array.from({ length: 81 }, (_, i) => i * 100);
  const timeWait = timeMs.map((ms) => Math.min(400, Math.max(0, (ms - 1000) / 10)));
  const idle = timeMs.map(() => 0);
  const host = { timeWait: idle, established: idle, connectionsOpened: idle };
  const made = churning(500, {
    upstreamFailures: [{ code: "EADDRNOTAVAIL", step: "connect", count: 510, firstMs: 5_040 }],
    samples: {
      timeMs,
      hosts: { client: host, gateway: { ...host, timeWait }, backend: host },
      answered: { timeMs: [], requests: [] },
    },
  });
  const use = portUseOf(made, 400);
  assertEquals([use.takenPerSec, use.halfSec, use.predictedSec, use.exhaustedSec], [100, 3, 5, 5.04]);
  assertEquals(portUseOf(made, 28_232).predictedSec, undefined);

  const exhausted = runOf("direct", made, REUSE, "0");
  const range = { ...knob(RANGE, "20000 20399") };
  const report = renderReport(results([{ ...exhausted, repetitions: [{ ...made, knobs: [range] }] }]));
  assertStringIncludes(report, "`direct` ran out of ports; the prediction was off by 0.8%.");
  assertStringIncludes(report, "**The ephemeral ports ran out**, and 510 connects failed with EADDRNOTAVAIL");
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

Deno.test("one bad repetition of two makes nothing harmful, nor a cure none", () => {
  const late = (one: Measured) => ({ ...one, errors: { ...errors, status: 0, timeout: 100 } });
  const twice = (one: Run) => ({
    ...one,
    repetitions: [one.repetitions[0]!, late(one.repetitions[0] as Measured)],
  });
  const calm = runOf("direct", churning(0), REUSE, "0");
  assertEquals(
    verdict(twice(runOf("a", churning(0), "net.ipv4.tcp_fin_timeout", "5")), calm),
    "nothing to cure",
  );
  const fits = repetition(1000, { opened: 100, timeWait: 0, errors: { ...errors, status: 0, timeout: 100 } });
  assertEquals(verdict(run("pool-fits", [fits, fits], pool(100))), "cure");
});

Deno.test("what is to be set is said once for all runs that have the same pool", () => {
  const report = renderReport(results([
    BASELINE,
    runOf("a", churning(900), "net.ipv4.tcp_fin_timeout", "5"),
  ]));
  assertEquals(report.match(/\*\*Set\*\* the pool/g)?.length, 1);
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

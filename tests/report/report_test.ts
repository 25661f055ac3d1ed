import { type GatewayPlan, type LoadPlan } from "../../tools/scenario/plan.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { renderRows } from "../../tools/report/table.ts";
import { renderReport } from "../../tools/report/report.ts";
import type { Latency } from "../../tools/load/latency.ts";
import { type Measured, type Run } from "../../tools/results/results.ts";
import { pool, repetition, results, resultsOf, run } from "../support/made_up_results.ts";

const DIRECT = run("direct", [repetition(13_000), repetition(12_900), repetition(13_100)], null);
const SMALL = run("pool-100", [
  repetition(5_000, { opened: 16_000, timeWait: 15_000 }),
  repetition(5_200, { opened: 16_640, timeWait: 15_500 }),
  repetition(5_100, { opened: 16_320, timeWait: 15_200 }),
]);
const FITTING = run("pool-1000", [
  repetition(6_000, { opened: 1_200 }),
  repetition(6_100, { opened: 1_210 }),
  repetition(6_050, { opened: 1_190 }),
], pool(1000));
const SNAPSHOT = new URL("./report.snapshot.md", import.meta.url);

function cells(report: string, name: string): string[] {
  const line = report.split("\n").find((line) => line.startsWith(`| \`${name}\``));
  assert(line !== undefined, `no row for ${name}`);
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}

Deno.test("the whole report is as it was when somebody last read it", async () => {
  const report = renderReport(results([DIRECT, SMALL, FITTING]));
  if (Deno.env.get("UPDATE_SNAPSHOTS") === "1") await Deno.writeTextFile(SNAPSHOT, report);
  assertEquals(report, await Deno.readTextFile(SNAPSHOT));
});

Deno.test("each row of the table has a cell for each column, and columns have one width", () => {
  const report = renderReport(results([DIRECT, SMALL, FITTING]));
  const table = report.split("\n\n").find((section) => section.startsWith("| run"))!;
  const rows = table.split("\n");
  assertEquals(rows.length, 5);
  assertEquals(new Set(rows.map((row) => [...row].length)).size, 1);
});

Deno.test("a run that failed stands in the table as failed, with its reason among the warnings", () => {
  const failed = run("pool-100", [{ failed: "the gateway ended before it listened: no" }]);
  const report = renderReport(results([DIRECT, failed]));
  assertEquals(cells(report, "pool-100").slice(0, 2), ["`pool-100`", "**failed**"]);
  assertStringIncludes(
    report,
    "`pool-100` failed in 1 of 1 repetitions: the gateway ended before it listened: no.",
  );
});

Deno.test("one repetition that failed does not hide the others, nor itself", () => {
  const partly = run("pool-100", [{ failed: "wrk was killed" }, ...SMALL.repetitions.slice(1)]);
  const report = renderReport(results([DIRECT, partly]));
  assertEquals(cells(report, "pool-100")[1], "5,150 (5,100…5,200)");
  assertStringIncludes(report, "`pool-100` failed in 1 of 3 repetitions: wrk was killed.");
});

Deno.test("a difference that the repetitions do not show is not claimed", () => {
  const report = renderReport(
    resultsOf({
      direct: [100, 101, 102, 103, 104, 100, 102],
      same: [104, 101, 102, 99, 105, 97, 101],
      half: [50, 51, 52, 53, 54, 50, 51],
    }),
  );
  assertMatch(cells(report, "same")[2]!, /^no difference shown, /);
  assertEquals(cells(report, "half")[2]!, "49.3% (48.1%…50.0%)");
  assertStringIncludes(
    report,
    "exact Wilcoxon signed-rank test of the rounds, corrected for 2 comparisons (Holm)",
  );
});

Deno.test("repetitions too few to ever show a difference are called that, with how many would do", () => {
  const report = renderReport(resultsOf({ direct: [100, 101, 102], half: [50, 51, 52] }));
  assertStringIncludes(
    report,
    "**Too few repetitions to show a difference**, however large: `--repeat 6` would be enough.",
  );
});

Deno.test("a bench that decides says what was decided after how many rounds, and what was not", () => {
  const rounds = Array.from({ length: 12 }, (_, i) => 100 + i % 5);
  const measured = resultsOf({
    direct: rounds,
    same: rounds.map((value, i) => value + (i % 2 === 0 ? 1 : -1)),
    half: rounds.map((value) => value / 2),
  });
  const decided = (names: string[]) => {
    const runs = measured.runs.filter(({ name }) => names.includes(name));
    return renderReport({ ...measured, runs, method: { repeat: 6, until: null, decide: { maxTimeMs: 9 } } });
  };
  const report = decided(["direct", "same", "half"]);
  assertStringIncludes(
    report,
    "**Not decided** after 12 rounds: `same`; **decided after 9 rounds**: `half`.",
  );
  assertStringIncludes(report, "over all looks together, corrected for 2 comparisons (Holm)");
  assertMatch(
    report,
    /its interval holds the true one in 95.0% of benches \(`same`\), 97.5% of benches \(`half`\)/,
  );
  assertStringIncludes(decided(["direct", "half"]), "**Decided after 8 rounds**.");
});

Deno.test("a single repetition claims no certainty", () => {
  const report = renderReport(
    results([run("direct", [repetition(13_000)], null), run("pool-100", [SMALL.repetitions[0]!])]),
  );
  assertEquals(cells(report, "pool-100")[1], "5,000");
  assertStringIncludes(report, "no uncertainty is known");
});

Deno.test("failed requests are counted in the table and named below it", () => {
  const errors = { connect: 3, read: 0, write: 0, timeout: 40, status: 1_500 };
  const report = renderReport(results([DIRECT, run("pool-100", [repetition(5_000, { opened: 9, errors })])]));
  assertEquals(cells(report, "pool-100")[5], "1,543");
  assertStringIncludes(
    report,
    "3 could not connect, 40 were not answered in time, 1,500 got a status other than 2xx and 3xx. An answer that was " +
      "both late and of such a status can be among both: up to 40 are taken off requests/s twice.",
  );
});

Deno.test("where no backend is a witness, the side of the TIME_WAITs tells who closed", () => {
  const hosts = SMALL.repetitions.map((one) => "failed" in one ? undefined! : one.hosts)[0]!;
  const group = { side: "accepted", service: "198.18.0.3:8081", timeWait: 9_000 } as const;
  const backend = { ...hosts.backend!, timeWaitGroups: [group] };
  const gateway = { ...hosts.gateway!, timeWaitGroups: [] };
  const closedByBackend = run("pool-100", [
    repetition(5_000, { hosts: { ...hosts, backend, gateway }, opened: 9_500, timeWait: 9_000 }),
  ]);
  assertStringIncludes(
    renderReport(results([DIRECT, SMALL])),
    "`pool-100`: **its pool of idle connections is too small** (`pool-too-small`, likely).",
  );
  const report = renderReport(results([DIRECT, closedByBackend]));
  assertStringIncludes(
    report,
    "**its requests ask for the end of their connection** (`close-asked`, likely).",
  );
  assertStringIncludes(report, "the side of the TIME_WAIT means nothing");
  assert(!report.includes("--pool-max-idle-per-host 1000"));
});

Deno.test("connections that were reset are not said to have been kept", () => {
  const reset = run("mine", [repetition(5_000, { opened: 40_000, timeWait: 0 })], { command: "./mine" });
  const [one] = reset.repetitions;
  const samples = { ...(one as Measured).samples };
  const gateway = { ...samples.hosts.gateway!, connectionsOpened: [0, 20_000, 40_000] };
  const churning = { ...(one as Measured), samples: { ...samples, hosts: { ...samples.hosts, gateway } } };
  const report = renderReport(results([DIRECT, { ...reset, repetitions: [churning] }]));
  assertStringIncludes(report, "**it uses each connection for one request** (`used-once`, possible)");
  assertStringIncludes(report, "(`pool-too-small`, possible)");
  assertStringIncludes(report, "40,000 connections to the backend for 40,000 requests, 1.00 per request.");
});

/** A run whose load was other than the default. */
function loaded(of: Run, load: Partial<LoadPlan>): Run {
  return { ...of, options: { ...of.options, load: { ...of.options.load, ...load } } };
}

Deno.test("a run that has more than the baseline is said to have gained, and by how much", () => {
  const report = renderReport(
    resultsOf({ small: [100, 101, 102, 103, 104], fits: [300, 301, 302, 303, 304] }),
  );
  assertMatch(cells(report, "fits")[2]!, /^gain of 19\d\.\d% \(1\d\d\.\d%…2\d\d\.\d%\)$/);
  assert(!/-\d+\.\d%/.test(report), "a loss below zero");
});

Deno.test("of an open loop no more is claimed than how many connections can have been busy", () => {
  const open = loaded(SMALL, { ratePerSec: 5_000 });
  assertStringIncludes(
    renderReport(results([DIRECT, open])),
    "up to 1,000 requests at one time",
  );
});

Deno.test("nobody is told to set a pool to what it is set to", () => {
  const report = renderReport(results([DIRECT, run("pool-1000", [...SMALL.repetitions], pool(1000))]));
  assert(!report.includes("--pool-max-idle-per-host` to"));
  assertStringIncludes(report, "(`cut-short`, possible)");
  assertStringIncludes(report, "(`gateway-idle-timeout`, possible)");
});

Deno.test("ports whose TIME_WAITs are thrown away are not said to run out", () => {
  const thrown = SMALL.repetitions.map((one) => {
    const { hosts, ...rest } = one as Measured;
    return { ...rest, hosts: { ...hosts, gateway: { ...hosts.gateway!, timeWaitOverflowed: 4_000 } } };
  });
  const report = renderReport(results([DIRECT, run("pool-100", thrown)]));
  assertMatch(report, /\*\*would run out after \d+ s at the earliest\*\* if no TIME_WAIT were thrown away/);
});

Deno.test("threads that get no share of a pool are named", () => {
  const gateway = { ...pool(1), workers: 4 } as GatewayPlan;
  const report = renderReport(results([DIRECT, run("pool-1", [...SMALL.repetitions], gateway)]));
  assertStringIncludes(
    report,
    "workers 4, poolMaxIdlePerHost divided among the workers, so that 3 of them keep no connection",
  );
});

Deno.test("connections whose TIME_WAITs are on the gateway are not said to have been kept", () => {
  const settled = run("pool-100", [repetition(5_000, { opened: 200, timeWait: 170 })]);
  const [one] = settled.repetitions;
  const samples = { ...(one as Measured).samples };
  const gateway = { ...samples.hosts.gateway!, connectionsOpened: [0, 200, 200] };
  const warm = { ...(one as Measured), samples: { ...samples, hosts: { ...samples.hosts, gateway } } };
  const report = renderReport(results([DIRECT, { ...settled, repetitions: [warm] }]));
  assertStringIncludes(
    report,
    "On the gateway, 170 of its connections to the backend were in TIME_WAIT at the end.",
  );
});

Deno.test("a pool that was full after the warm-up is not said to have opened what it kept", () => {
  const report = renderReport(results([DIRECT, run("pool-1000", [repetition(6_000, { opened: 0 })])]));
  assertStringIncludes(report, "`pool-1000`: **its pool fits**. It opened no connection to the backend for ");
});

Deno.test("more TIME_WAITs than connections opened are explained by the warm-up", () => {
  const none = run("pool-1000", [repetition(6_000, { opened: 0, timeWait: 41 })]);
  const [settled] = none.repetitions as [Measured];
  const gateway = { ...settled.samples.hosts.gateway!, connectionsOpened: [0, 0, 0] };
  const samples = { ...settled.samples, hosts: { ...settled.samples.hosts, gateway } };
  assertStringIncludes(
    renderReport(results([DIRECT, { ...none, repetitions: [{ ...settled, samples }] }])),
    "41 of its connections to the backend were in TIME_WAIT at the end, those of the warm-up among them.",
  );
});

Deno.test("ports that last are not said to run out", () => {
  const slow = run("pool-100", [repetition(500, { opened: 1_000, timeWait: 900 })]);
  const report = renderReport(results([DIRECT, slow]));
  assertStringIncludes(
    report,
    "At 113 new connections a second, this load comes to hold 6,750 of the 28,232 ephemeral ports (32768–60999)",
  );
  assert(!report.includes("run out"));
});

Deno.test("a stand-in for the lab or for wrk is named with its reason, before anything is believed", () => {
  const { environment } = results([DIRECT]);
  const lab = { kind: "host", reason: "user.max_user_namespaces is 0" } as const;
  const load = {
    name: "autocannon",
    version: "9.0.0",
    reason: "wrk was not found on PATH: apt-get install wrk",
  } as const;
  const report = renderReport(results([DIRECT], { environment: { ...environment, lab, load } }));
  assertStringIncludes(
    report,
    "Measured in a host lab instead of a private one: user.max_user_namespaces is 0.",
  );
  assertStringIncludes(report, "autocannon, because wrk was not found on PATH: apt-get install wrk.");
});

Deno.test("a bench that was stopped says so", () => {
  const report = renderReport(results([DIRECT, run("pool-100", [])], { interrupted: true }));
  assertStringIncludes(report, "The bench was stopped before all was measured.");
  assertEquals(cells(report, "pool-100")[1], "not measured");
});

Deno.test("an answer that says it failed, or came too late, is no throughput", () => {
  const errors = { connect: 0, read: 0, write: 0, timeout: 8_000, status: 32_000 };
  const report = renderReport(
    results([DIRECT, run("pool-100", [repetition(20_000, { opened: 9, errors })])]),
  );
  assertEquals(cells(report, "pool-100")[1], "15,000");
});

Deno.test("a bar in a name or a reason does not end its cell, nor a line break its row", () => {
  assertEquals(renderRows(["run", "what"], [["`a|b`", "x\n| y"]]), [
    "| run    |   what |",
    "| ------ | -----: |",
    "| `a\\|b` | x \\| y |",
  ]);
});

Deno.test("a secret that was masked is said to be masked, and where there is none nothing is said", () => {
  const said = "`***` stands for a secret";
  assert(!renderReport(results([DIRECT])).includes(said));
  assertStringIncludes(
    renderReport(results([DIRECT], { command: "deno task bench --header 'Cookie: ***'" })),
    said,
  );
  assertStringIncludes(renderReport(results([loaded(DIRECT, { headers: ["Cookie: ***"] })])), said);
});

Deno.test("an open loop's report says how late the generator itself was, where it was latest", () => {
  const latest = { mean: 60, p50: 40, p75: 60, p90: 300, p99: 1_240, p999: 3_000, max: 9_000 };
  const open = (lateness?: Latency) =>
    run("mine", [
      repetition(6_000, { arrivals: { due: 48_000, unsent: 0, late: 0, ...(lateness && { lateness }) } }),
      repetition(6_000, {
        arrivals: {
          due: 48_000,
          unsent: 0,
          late: 0,
          ...(lateness && { lateness: { ...lateness, p99: 900 } }),
        },
      }),
    ]);
  assertStringIncludes(
    renderReport(results([DIRECT, open(latest)])),
    "took half of the requests up within 0.04 ms of when they were due, and 99% within 1.24 ms, in the",
  );
  assert(!renderReport(results([DIRECT, open()])).includes("lateness"), "an older document has none");
});

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../../tools/report/report.ts";
import { type Measured, type Results, type Run } from "../../../tools/results/results.ts";
import { type LoadPlan } from "../../../tools/scenario/plan.ts";
import { pool, repetition, results, resultsOf, run } from "../../support/made_up_results.ts";

const RATES = [13_000, 12_900, 13_100, 13_050, 12_950, 13_020, 12_980];
const DIRECT = run("direct", RATES.map((rate) => repetition(rate)), null);
const FEW = run("direct", [repetition(13_000)], null);
const NO_ERRORS = repetition(1).errors;

/** A run of seven repetitions with the same gateway. */
function seven(name: string, rate: number, more: Parameters<typeof repetition>[1], gateway = pool(100)): Run {
  return run(name, [0, 1, 2, 3, 4, 5, 6].map((i) => repetition(rate + i, more)), gateway);
}

const CHURNING = seven("pool-100", 5_000, { opened: 16_000, timeWait: 15_000 });
const KEEPING = seven("pool-1000", 6_000, { opened: 100 }, pool(1000));

function loaded(of: Run, load: Partial<LoadPlan>): Run {
  return { ...of, options: { ...of.options, load: { ...of.options.load, ...load } } };
}

/** The paragraph below the title. */
function answerOf(document: Results): string {
  const [title, answer] = renderReport(document).split("\n\n");
  assertEquals(title, `# ${document.question}`);
  return answer!;
}

const answer = (...runs: Run[]) => answerOf(results(runs));

Deno.test("the first sentence says what each run costs and what its pool does", () => {
  assertEquals(
    answer(DIRECT, CHURNING, KEEPING),
    "`pool-100` serves 62% fewer requests/s than `direct` and opens a new connection for 40% of its requests: its pool " +
      "of idle connections is too small; `pool-1000` serves 54% fewer requests/s and keeps its connections.",
  );
});

Deno.test("a difference that is not shown is not claimed, nor is one that so few repetitions cannot show", () => {
  const same = resultsOf({ direct: [100, 101, 102, 103, 104, 100], same: [104, 101, 102, 99, 105, 97] });
  assertMatch(
    answerOf(same),
    /^`same` shows no difference in requests\/s from `direct` \(it serves at most 3\.9% fewer and 4\.0% more\) and keeps/,
  );
  const few = run("pool-100", CHURNING.repetitions.slice(0, 1));
  assertMatch(
    answer(FEW, few),
    /fewer requests.*\. The repetitions are too few to show that a difference is more/,
  );
});

Deno.test("a cause is named for any gateway, and where several look alike that is said", () => {
  const command = { command: "./mine --listen {listen} --upstream {upstream}" };
  const foreign = seven("mine", 5_000, { opened: 16_000, timeWait: 15_000 }, command);
  assertMatch(
    answer(DIRECT, foreign),
    /for 40% of its requests: its pool of idle connections is too small\.$/,
  );
  const large = seven("pool-1000", 5_000, { opened: 16_000, timeWait: 15_000 }, pool(1000));
  assertMatch(answer(DIRECT, large), /for 40% of its requests: either it ends .*, or it ends .*\.$/);
  const open = loaded(CHURNING, { ratePerSec: 5_000 });
  assertMatch(
    answer(loaded(DIRECT, { ratePerSec: 5_000 }), open),
    /: its pool of idle connections is too small\.$/,
  );
});

Deno.test("a gateway that keeps nothing, or opens several connections for a request, is called that", () => {
  const none = seven("pool-0", 5_000, { opened: 40_016, timeWait: 15_000 }, pool(0));
  assertMatch(
    answer(DIRECT, none),
    /opens a new connection for each request: its pool of idle connections is too small\.$/,
  );
  const twice = seven("pool-0", 5_000, { opened: 84_000, timeWait: 15_000 }, pool(0));
  assertMatch(answer(DIRECT, twice), /opens 2\.1 new connections for each request/);
});

Deno.test("requests that fail, and ports that run out, are in the sentence", () => {
  const errors = { ...NO_ERRORS, status: 8_000 };
  const upstreamFailures = [{ code: "EADDRNOTAVAIL", step: "connect", count: 9, firstMs: 900 }] as const;
  const failing = seven("pool-100", 5_000, { opened: 16_000, timeWait: 15_000, errors, upstreamFailures });
  assertStringIncludes(
    answer(DIRECT, failing),
    "fails 20% of its requests, runs out of ephemeral ports and opens a new connection for 40% of its requests",
  );
  const refusing = seven("pool-100", 5_000, { opened: 0, errors: { ...NO_ERRORS, status: 40_048 } });
  assertMatch(answer(DIRECT, refusing), /^`pool-100` answers no request in time with 2xx or 3xx and keeps/);
  const failingDirect = repetition(13_000, { errors: { ...NO_ERRORS, status: 52_000 } });
  assertMatch(
    answer(run("direct", [failingDirect], null), run("pool-100", [KEEPING.repetitions[0]!])),
    /^`direct`, the baseline, serves 6,500 requests\/s and fails 50% of its requests; `pool-100` serves 7\.7% fewer/,
  );
  const nothing = repetition(13_000, { errors: { ...NO_ERRORS, status: 104_000 } });
  assertMatch(
    answer(run("direct", [nothing], null), run("pool-100", [KEEPING.repetitions[0]!])),
    /^`direct`, the baseline, answers no request in time with 2xx or 3xx; `pool-100` serves 6,000 requests\/s and keeps/,
  );
});

Deno.test("a gateway that answers by itself is not said to keep connections", () => {
  const { samples } = repetition(5_000, { opened: 0 });
  const alone = { ...samples, answered: { timeMs: [0, 8000], requests: [0, 0] } };
  const sentence = answer(DIRECT, seven("static", 5_000, { opened: 0, samples: alone }));
  assertEquals(
    sentence,
    "`static` serves 62% fewer requests/s than `direct` and answers most of its requests without asking the backend.",
  );
});

Deno.test("a run that serves several times as much says how many times", () => {
  const document = resultsOf({ small: [100, 101, 102, 103, 104], fits: [300, 301, 302, 303, 304] });
  assertMatch(answerOf(document), /^`fits` serves 3\.0 times the requests\/s of `small`/);
});

Deno.test("runs that failed, a bench that was stopped and a baseline that was not measured are said first", () => {
  const failed = { failed: "wrk was killed" };
  assertEquals(
    answer(run("direct", [failed], null), run("pool-100", [failed])),
    "Failed: no run could be measured: wrk was killed.",
  );
  assertMatch(answer(DIRECT, CHURNING, run("gone", [failed])), /; `gone` was not measured\.$/);
  assertMatch(
    answer(run("direct", [failed], null), CHURNING),
    /^`direct`, the baseline, was not measured, so that there is nothing to compare with; `pool-100` serves 5,003 req/,
  );
  const partly = { ...CHURNING, repetitions: [failed, ...CHURNING.repetitions.slice(1)] };
  assertMatch(answer(DIRECT, partly), /^`pool-100`, measured in 6 of 7 repetitions, serves 62% fewer/);
  const stopped = results([run("direct", [], null), run("pool-100", [])], { interrupted: true });
  assertEquals(answerOf(stopped), "Stopped before all was measured: nothing was measured.");
  assertMatch(
    answerOf(results([DIRECT, CHURNING], { interrupted: true })),
    /^Stopped before all was measured: `pool-100` serves/,
  );
});

Deno.test("one run alone is told by its figures, and a baseline that is a gateway is told as well", () => {
  assertEquals(
    answer({ ...KEEPING, baseline: true }),
    "`pool-1000` serves 6,003 requests/s and keeps its connections.",
  );
  const baseline = { ...CHURNING, baseline: true };
  assertMatch(
    answer(baseline, KEEPING),
    /^`pool-100`, the baseline, serves 5,003 requests\/s and opens a new .*: its pool of idle connections is too small; `pool-1000` serves 20% more requests\/s than `pool-100` and keeps/,
  );
});

Deno.test("a run under another load or with another backend is said to be, wherever it is compared", () => {
  const few = loaded(KEEPING, { connections: 20, durationMs: 2_000 });
  const backend = { ...few.options.backend, latencyMs: 5 };
  const other = { ...few, options: { ...few.options, backend } };
  const report = renderReport(results([DIRECT, CHURNING, other]));
  assertStringIncludes(report, "`pool-1000`, under another load and backend, serves 54% fewer requests/s");
  assertMatch(
    report,
    /^\| `pool-1000` +\| 20 connections, 2 s +\|.*53\.8% \(.*\), another load and backend \|/m,
  );
  assertStringIncludes(report, "- `direct`, `pool-100`: 1,000 connections for 2 s");
  assertStringIncludes(report, "- `pool-1000`: 20 connections for 2 s");
  assertStringIncludes(report, "- `pool-1000` had another load and another backend than `direct`:");
  assertStringIncludes(
    report,
    "`direct`, `pool-100`: 70 ms latency, 12 bytes, status 200; `pool-1000`: 5 ms",
  );
  const alike = renderReport(results([DIRECT, CHURNING]));
  assertEquals(/another load|\| load /.test(alike), false);
});

Deno.test("latencies of two kinds of loops are told apart", () => {
  const open = loaded(CHURNING, { ratePerSec: 5_000 });
  const report = renderReport(results([DIRECT, open]));
  assertStringIncludes(report, "0.4% too high. `direct`: From a closed loop");
  assertStringIncludes(report, "`pool-100`: From an open loop, 5,000/s");
});

/** A repetition of which so many connections to the backend stand at the end, and at the start. */
function standing(of: Measured, established: number, before = 0): Measured {
  const { samples } = of;
  const gateway = { ...samples.hosts.gateway!, established: [before, before, established] };
  return { ...of, samples: { ...samples, hosts: { ...samples.hosts, gateway } } };
}

Deno.test("connections that stand at the end were not closed, and are not said to be gone", () => {
  const leaking = repetition(5_000, { opened: 6_048 });
  const { samples } = leaking;
  const gateway = { ...samples.hosts.gateway, connectionsOpened: [0, 3_000, 6_048] };
  const grown = { ...leaking, samples: { ...samples, hosts: { ...samples.hosts, gateway } } };
  const report = renderReport(results([DIRECT, run("mine", [standing(grown, 6_048)])]));
  assertStringIncludes(report, "**it leaves connections open that nobody uses again** (`leak`, likely)");
  assertStringIncludes(report, "opens a new connection for 15% of its requests without closing them");
  assertStringIncludes(report, "6,048 connections stood at the end");
  assertStringIncludes(report, "a longer load would tell.");
  assertEquals(/--pool-max-idle-per-host`/.test(report), false);
  const filling = loaded(run("mine", [standing(grown, 6_048)]), { connections: 7_000 });
  assertStringIncludes(renderReport(results([DIRECT, filling])), "**its pool fits**");
  // As many stand as before: all that were opened since were closed.
  const replaced = renderReport(results([DIRECT, run("mine", [standing(grown, 7_000, 7_000)])]));
  assertStringIncludes(replaced, "(`pool-too-small`, likely)");
  const half = renderReport(results([DIRECT, run("mine", [standing(grown, 3_000)])]));
  assertStringIncludes(half, "(`leak`, likely)");
});

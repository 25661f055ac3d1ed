import { assertEquals, assertLessOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../../tools/report/report.ts";
import { sayWarning } from "../../../tools/report/sections/warnings.ts";
import { type Measured, type Results } from "../../../tools/results/results.ts";
import { warningsOf as warningsOfAll } from "../../../tools/verdict/warnings.ts";
import { warnOfMachine } from "../../../tools/verdict/machine_warnings.ts";
import { repetition, results, resultsOf, run } from "../../support/made_up_results.ts";
import { normalRandom } from "../../support/simulation.ts";

const QUIET = repetition(5_000, { opened: 9 });

const sentencesOf = (document: Results) => warnOfMachine(document).map(sayWarning);

function warningsOf(differs: Partial<Measured>): string[] {
  return sentencesOf(results([run("pool-100", [QUIET, { ...QUIET, ...differs }])]));
}

Deno.test("a quiet machine gives no warning", () => {
  assertEquals(warningsOf({}), []);
});

Deno.test("others on the machine and time that the hypervisor took are named, with what to do", () => {
  const [others, ...rest] = warningsOf({ machine: { ...QUIET.machine!, others: 0.31 } });
  assertStringIncludes(
    others!,
    "up to 31.0% of the machine's CPU time, 5.0% or more in 1 of 2 repetitions: stop",
  );
  assertEquals(rest, []);
  const [steal] = warningsOf({ machine: { ...QUIET.machine!, steal: 0.04 } });
  assertStringIncludes(steal!, "gave up to 4.0% of the CPU time to other virtual machines");
});

Deno.test("a generator or a backend whose threads never rest is at its limit", () => {
  const { processes } = QUIET;
  const busy = (cpuSec: number) => ({ cpuSec, rssPeakBytes: 1 });
  const [load] = warningsOf({ processes: { ...processes, load: busy(15.9) } });
  assertStringIncludes(load!, "wrk was at its own limit in 1 of 2 repetitions, its 2 threads");
  assertStringIncludes(load!, "--threads");
  assertEquals(
    warningsOf({ processes: { ...processes, load: busy(8) } }),
    [],
    "one of two threads is not all",
  );
  const [backend] = warningsOf({ processes: { ...processes, backend: busy(7.9) } });
  assertStringIncludes(backend!, "the backend was at its limit in 1 of 2 repetitions");
});

Deno.test("the open loop is at its limit by what it uses for the load, not for its own start", () => {
  const usingCpu = (cpuSec: number) => {
    const processes = { ...QUIET.processes, load: { cpuSec, rssPeakBytes: 1 } };
    const document = results([run("pool-100", [QUIET, { ...QUIET, processes }])]);
    const load = { name: "open-loop", version: "0.1.0" } as const;
    return sentencesOf({ ...document, environment: { ...document.environment, load } });
  };
  const [load] = usingCpu(7.95);
  assertStringIncludes(load!, "open-loop was at its own limit");
  assertEquals(usingCpu(7.8), [], "0.3 s of these were its start");
});

Deno.test("where the CPUs are saturated and little is asked for, or nothing shown, a load that is not is named", () => {
  const rates = {
    same: [4800, 5200, 4700, 5300, 4900, 5150, 4600, 5350],
    half: [2500, 2300, 2600, 2400, 2700, 2200, 2450, 2550],
  };
  const document = (idle: number, more: Partial<Results> = {}) => {
    const measured = Object.entries({ direct: [5000, 5100, 4900, 5050, 4950, 5000, 5100, 5020], ...rates })
      .map(([name, values]) =>
        run(
          name,
          values.map((value) => repetition(value, { opened: 9, machine: { ...QUIET.machine!, idle } })),
        )
      );
    return sentencesOf(results(measured, more)).filter((text) => text.includes("small_differences"));
  };
  const [said, ...rest] = document(0.04);
  assertStringIncludes(said!, "`same`: a load that leaves 4.0% of the CPU time idle hides small differences");
  assertEquals(rest, [], "a half is seen anyway");
  assertEquals(document(0.6), []);
  const decide = { maxTimeMs: 1, gates: ["requestsPerSec>=-5%"] };
  assertEquals(document(0.04, { method: { repeat: 6, until: null, decide } }).length, 2);
  assertEquals(document(0.04, { method: { repeat: 6, until: { width: 0.03, maxTimeMs: 1 } } }).length, 2);
  assertEquals(document(0.04, { method: { repeat: 6, until: { width: 0.2, maxTimeMs: 1 } } }).length, 1);
});

Deno.test("a governor that changes the clock is named, one that holds it is not", () => {
  const document = results([run("pool-100", [QUIET])]);
  const under = (governors: string[]) =>
    sentencesOf({ ...document, environment: { ...document.environment, governors } });
  assertEquals(under(["performance"]), []);
  assertStringIncludes(under(["powersave"])[0]!, "The CPU frequency governor is powersave");
});

Deno.test("a repetition that lies apart is flagged and kept", () => {
  const document = resultsOf({ direct: [100, 101, 102, 103, 50, 101, 100] });
  const [warning, ...rest] = sentencesOf(document);
  assertStringIncludes(warning!, "`direct`: repetition 5 lies apart, 50 requests/s where the median is 101");
  assertStringIncludes(warning!, "It is kept in all figures.");
  assertEquals(rest, []);
  assertEquals(sentencesOf(resultsOf({ direct: [100, 101, 102, 103, 99, 101, 100] })), []);
  assertEquals(sentencesOf(resultsOf({ direct: [100, 100, 101, 100, 50] })), [], "five cannot tell");
});

Deno.test("a repetition that answered only errors lies apart, however fast it was", () => {
  const steady = [5_000, 5_010, 4_990, 5_005, 4_995, 5_003].map((rate) => repetition(rate, { opened: 9 }));
  const refused = repetition(5_001, { opened: 9, errors: { ...QUIET.errors, status: 40_000 } });
  const sentences = sentencesOf(results([run("pool-100", [...steady, refused])]));
  assertStringIncludes(sentences.join(), "`pool-100`: repetition 7 lies apart, 1 requests/s");
});

for (const repetitions of [6, 7, 8, 13, 20]) {
  Deno.test(`of runs of ${repetitions} repetitions with nothing but normal noise, at most 2% are said to have one that lies apart`, () => {
    const { normal } = normalRandom(5);
    const values = () => Array.from({ length: repetitions }, () => 10_000 * (1 + 0.03 * normal()));
    const runs = Array.from({ length: 400 }, (_, i) => [`run-${i}`, values()] as const);
    const warned = new Set(warnOfMachine(resultsOf(Object.fromEntries(runs))).map(({ run }) => run));
    assertLessOrEqual(warned.size, 0.02 * runs.length);
  });
}

Deno.test("requests of an open loop that were taken up late, or never sent, are counted", () => {
  assertEquals(
    warningsOf({ arrivals: { due: 1_000, unsent: 0, late: 10 } }),
    [],
    "one in a hundred does not matter",
  );
  const [late, ...rest] = warningsOf({ arrivals: { due: 1_000, unsent: 0, late: 11 } });
  assertStringIncludes(late!, "took up 11 of 1,000 requests more than 10 ms after they were due");
  assertEquals(rest, []);
  const [unsent] = warningsOf({ arrivals: { due: 1_000, unsent: 1, late: 0 } });
  assertStringIncludes(unsent!, "1 of 1,000 requests that were due were never sent");
});

Deno.test("in a host lab, connections that are not seen to be the bench's own are taken off", () => {
  const said = (openedByOthers: number) =>
    warningsOfAll(results([run("mine", [{ ...repetition(5_000, { opened: 11_269 }), openedByOthers }])]));
  assertEquals(said(200), [], "less than one in fifty");
  const [warning, ...rest] = said(11_000);
  assertEquals(rest, []);
  assertStringIncludes(
    sayWarning(warning!),
    "`mine`: of 11,269 new connections that are counted here, **11,000 are not",
  );
  assertStringIncludes(sayWarning(warning!), "Without them it is 0.0067 per request");
  const busy = repetition(5_000, { opened: 11_269, timeWait: 5_000, openedByOthers: 11_000 });
  const report = renderReport(results([run("mine", [busy])]));
  assertStringIncludes(report, "and opens connections, some of which may be other programs'");
  assertStringIncludes(
    report,
    "11,000 of the connections are not seen to be its own: see the warnings.",
  );
});

Deno.test("a failure that is called like a property of every object has no meaning of ours", () => {
  const upstreamFailures = [{ code: "constructor", step: "connect", count: 3, firstMs: 1 }] as never;
  const report = renderReport(results([run("mine", [repetition(100, { opened: 9, upstreamFailures })])]));
  assertMatch(report, /3 constructor at connects to the backend \(first after/);
});

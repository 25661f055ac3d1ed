import { assertEquals, assertMatch } from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import type { Measured, Run } from "../../tools/results/results.ts";
import { warningsOf } from "../../tools/verdict/warnings.ts";
import { repetition, results, run } from "../support/made_up_results.ts";

/** A repetition of 8 s in which 40,000 requests were answered, each after the same time. */
function answeredAfter(us: number, more: Partial<Measured> = {}): Measured {
  const one = repetition(5_000, { opened: 9 });
  const latencyUs = { ...one.latencyUs, mean: us };
  return { ...one, latencyUs, latencyHistogram: { us: [us], count: [40_000] }, inFlight: 1_000, ...more };
}

const mine = (...repetitions: Measured[]) => run("mine", repetitions);
const at = (ratePerSec: number, one: Run): Run => {
  return { ...one, options: { ...one.options, load: { ...one.options.load, ratePerSec } } };
};
const kindsOf = (one: Run) => warningsOf(results([one])).map(({ kind }) => kind);

Deno.test("a closed loop whose connections always wait for an answer leaves nothing unanswered", () => {
  // 1,000 connections for 8 s are 40,000 times 200 ms. 165 ms leave 17.5%: connects, and CPUs that are
  // scarce.
  for (const us of [200_000, 165_000]) assertEquals(kindsOf(mine(answeredAfter(us))), []);
  // Each connection had one answer after 5 s, and its second request was on its way for the other 3 s.
  const slow = answeredAfter(5_000_000, {
    requests: 1_000,
    latencyHistogram: { us: [5_000_000], count: [1_000] },
  });
  assertEquals(kindsOf(mine(slow)), []);
  // 2,000 answers came after 2 s or later: they are told as failed, and may account for the time that is
  // missing.
  const { errors } = answeredAfter(1);
  const overdue = { requests: 42_000, errors: { ...errors, timeout: 2_000 } };
  assertEquals(kindsOf(mine(answeredAfter(60_000))), ["unanswered"]);
  assertEquals(kindsOf(mine(answeredAfter(100_000, overdue))), ["failed requests"]);
  // Its connections took 4 of the 8 s to come about.
  const late = answeredAfter(100_000);
  const client = { ...late.samples.hosts.client, established: [0, 950, 1_000] };
  const samples = { ...late.samples, hosts: { ...late.samples.hosts, client } };
  assertEquals(kindsOf(mine(late)), ["unanswered"]);
  assertEquals(kindsOf(mine({ ...late, samples })), []);
});

Deno.test("time of the connections that no answer accounts for is told, with the requests on their way", () => {
  const frozen = answeredAfter(60_000);
  const [warning, ...rest] = warningsOf(results([mine(frozen, answeredAfter(200_000), frozen)]));
  assertEquals(rest, []);
  assertEquals(warning, {
    kind: "unanswered",
    run: "mine",
    figures: {
      repetitions: 2,
      of: 3,
      unanswered: 1_000,
      connections: 1_000,
      silentShare: 0.7,
      meanLatencyUs: 60_000,
      expectedLatencyUs: 200_000,
    },
  });
  const report = renderReport(results([mine(frozen)]));
  assertMatch(report, /^.*\n\n`mine` .*leaves 1,000 requests unanswered/);
  assertMatch(report, /\| 0 and 1,000 unanswered \|/);
  assertMatch(
    report,
    /spent 70\.0% of their time on no request .* comes to 200\.0 ms where the answers took 60\.0 ms/,
  );
});

Deno.test("a load that ends soon after the first answers knows the fastest requests only", () => {
  const soon = (count: number, more: Partial<Measured> = {}) =>
    kindsOf(mine(answeredAfter(7_000_000, {
      requests: count,
      latencyHistogram: { us: [7_000_000], count: [count] },
      ...more,
    })));
  // Each of 1,000 connections was open for 8 s.
  assertEquals(soon(100), ["unanswered"]);
  assertEquals(soon(900), []);
  // The others were told as late.
  const { errors } = answeredAfter(1);
  assertEquals(soon(100, { errors: { ...errors, timeout: 800 } }), ["failed requests"]);
  // They came about a second before the end: too late for an answer.
  const late = answeredAfter(1);
  const client = { ...late.samples.hosts.client, established: [0, 800, 1_000] };
  const samples = { ...late.samples, hosts: { ...late.samples.hosts, client } };
  assertEquals(soon(100, { samples }), []);
});

Deno.test("in a load with pauses only the time in which requests are sent counts", () => {
  const inBursts = (one: Measured): Run => {
    const of = mine(one);
    const load = { ...of.options.load, burst: { onMs: 500, offMs: 1_500 } };
    return { ...of, options: { ...of.options, load } };
  };
  // 2 of the 8 s: 1,000 connections carry 40,000 answers that take 50 ms.
  assertEquals(kindsOf(inBursts(answeredAfter(50_000))), []);
  assertEquals(kindsOf(inBursts(answeredAfter(30_000, { inFlight: 400 }))), ["unanswered"]);
});

Deno.test("a document of an older version, which has not counted them, is not accused", () => {
  const { inFlight: _, ...older } = answeredAfter(60_000);
  assertEquals(kindsOf(mine(older)), []);
});

Deno.test("an open loop whose requests waited for a connection had too few, or more requests than could be served", () => {
  // 5,000 a second, each under way for 313 ms: 1,565 at a time, over 1,000 connections.
  const { inFlight: _, ...open } = answeredAfter(313_000);
  const arrivals = { due: 40_000, unsent: 0, late: 0 };
  const queued = at(5_000, mine({ ...open, arrivals }));
  const [warning, ...rest] = warningsOf(results([queued]));
  assertEquals(rest, []);
  assertEquals(warning?.kind, "connections too few");
  assertMatch(
    renderReport(results([queued])),
    /waited for a free connection\*\* in 1 of 1 repetitions: at a mean latency of 313\.0 ms, 1,565 requests were under way at a time, and there were 1,000 connections/,
  );
  const { inFlight: __, ...calm } = answeredAfter(100_000);
  assertEquals(kindsOf(at(5_000, mine({ ...calm, arrivals }))), []);
});

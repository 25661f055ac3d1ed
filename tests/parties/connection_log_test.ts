/** How busy connections are over time, as the backend's log keeps it. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { ConnectionLog, type WatchedConnection } from "../../tools/parties/backend/connection_log.ts";

const READ = { http10: false, askedToClose: false };
const [START_MS, SPAN_MS] = [1_000, 1_000];

/** A log of connections of which each is busy from and to these times, in milliseconds. */
function logOf(busy: readonly (readonly [number, number])[]): ConnectionLog {
  const log = new ConnectionLog();
  const connections = busy.map(() => log.accept());
  const steps = busy.flatMap(([from, to], i) => [
    { atMs: from, take: (one: WatchedConnection, nowMs: number) => log.began(one, nowMs), i },
    {
      atMs: to,
      take(one: WatchedConnection, nowMs: number) {
        log.heard(one);
        log.read(one, READ);
        log.answered(one, nowMs);
      },
      i,
    },
  ]);
  for (const { atMs, take, i } of steps.toSorted((a, b) => a.atMs - b.atMs)) {
    take(connections[i]!, START_MS + atMs);
  }
  return log;
}

Deno.test("the most that are busy is passed for less than 1% of the time", () => {
  // Three are busy all the time, a fourth for 5 ms of 1,000.
  const { busy } = logOf([[0, SPAN_MS], [0, SPAN_MS], [0, SPAN_MS], [500, 505]]).summary("b");
  assertEquals([busy!.spanMs, busy!.most, busy!.fullShare], [SPAN_MS, 3, 1]);
  assertAlmostEquals(busy!.mean, 3.005);
});

Deno.test("by Little's law busy time ÷ requests is the time of a request", () => {
  const times = Array.from({ length: 40 }, (_, i) => [i * 25, i * 25 + 70] as const);
  const { busy, requests } = logOf(times).summary("b");
  assertAlmostEquals(busy!.mean * busy!.spanMs / requests, 70);
});

Deno.test("connections that come and go are at their most for a small part of the time", () => {
  // One more every 10 ms, then one fewer every 10 ms: 50 at the top.
  const ramp = Array.from({ length: 50 }, (_, i) => [i * 10, SPAN_MS - i * 10] as const);
  const { busy } = logOf(ramp).summary("b");
  assertEquals(busy!.most, 50);
  assertAlmostEquals(busy!.fullShare, 0.04, 0.02);
});

Deno.test("the time before the first request and after the last answer does not count, and each summary begins anew", () => {
  const log = logOf([[0, 100], [300, 400]]);
  assertEquals(log.summary("b").busy, { spanMs: 400, mean: 0.5, most: 1, fullShare: 0.5 });
  assertEquals(log.summary("b").busy, undefined);
});

Deno.test("a time that lies a moment back runs no clock backwards", () => {
  const log = new ConnectionLog();
  const [a, b] = [log.accept(), log.accept()];
  log.began(a, START_MS);
  log.began(b, START_MS + 10);
  log.answered(a, START_MS);
  log.answered(b, START_MS + 20);
  const { busy } = log.summary("b");
  assertEquals([busy!.spanMs, busy!.mean], [20, 1]);
});

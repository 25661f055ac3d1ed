import { assertEquals, assertMatch } from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import type { Measured } from "../../tools/results/results.ts";
import { forwardingOf } from "../../tools/verdict/forwarding.ts";
import { repetition, results, run } from "../support/made_up_results.ts";

const DIRECT = run("direct", [repetition(5_000)], null);

/** A gateway that answered 40,000 requests over 1,000 connections, whose backend saw some of them. */
function gateway(backendRequests: number, more: Partial<Measured> = {}) {
  return run("mine", [{ ...repetition(5_000, { opened: 1_000 }), backendRequests, ...more }]);
}

const reportOf = (one: ReturnType<typeof gateway>) => renderReport(results([DIRECT, one]));

Deno.test("a gateway that asks its backend once for each request is not spoken of", () => {
  for (const seen of [39_700, 40_000, 41_000]) {
    assertEquals(forwardingOf(gateway(seen)), undefined, `${seen}`);
  }
  const { errors } = repetition(1);
  // It answered these by itself, and said with their status that they failed.
  assertEquals(forwardingOf(gateway(30_000, { errors: { ...errors, status: 10_000 } })), undefined);
  // It never answered these.
  assertEquals(forwardingOf(gateway(50_000, { errors: { ...errors, read: 10_000 } })), undefined);
  // An open loop gave these up, and had sent only some of them.
  assertEquals(forwardingOf(gateway(12_000, { errors: { ...errors, timeout: 30_000 } })), undefined);
  const gaveUp = gateway(12_000, { errors: { ...errors, timeout: 30_000 } });
  assertEquals(reportOf(gaveUp).includes("of the requests."), false);
  const arrivals = { due: 50_000, unsent: 0, late: 0 };
  assertEquals(
    forwardingOf(gateway(50_000, { arrivals, errors: { ...errors, timeout: 10_000 } })),
    undefined,
  );
});

Deno.test("what a gateway answers by itself is said before it is praised", () => {
  const cache = gateway(10_000);
  assertEquals(forwardingOf(cache), {
    kind: "by itself",
    requests: 40_000,
    backendRequests: 10_000,
    share: 0.75,
  });
  assertMatch(reportOf(cache), /^.*\n\n`mine` .*answers most of its requests without asking the backend/);
  assertMatch(
    reportOf(gateway(30_000)),
    /^.*\n\n`mine` .*answers 25% of its requests without asking the backend/,
  );
  assertMatch(
    reportOf(cache),
    /`mine`: the gateway answered 40,000 requests with 2xx or 3xx, and the backend saw only 10,000: .* 75\.0% by itself/,
  );
});

Deno.test("a gateway that asks more often than it is asked is said to retry or to fan out", () => {
  const twice = gateway(80_000);
  assertEquals(forwardingOf(twice)?.kind, "more often");
  assertMatch(reportOf(twice), /asks the backend 95% more often than it is asked/);
  assertMatch(
    reportOf(twice),
    /`mine`: the backend answered 80,000 requests, 95\.1% more than the 41,000 that the load can have sent/,
  );
});

Deno.test("where the backend's count is not exact, nothing is made of it, and the load at a backend is its own", () => {
  assertEquals(forwardingOf(run("mine", [repetition(5_000, { opened: 9 })])), undefined);
  assertEquals(forwardingOf(run("mine", [{ ...repetition(5_000), backendRequests: 1 }], null)), undefined);
});

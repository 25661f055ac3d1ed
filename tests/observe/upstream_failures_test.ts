import { assertEquals } from "@std/assert";
import {
  collectUpstreamFailures,
  failuresOf,
  parseFailureLine,
} from "../../tools/observe/upstream_failures.ts";
import { startFailureLog } from "../../tools/transport/failure_log.ts";

Deno.test("what the gateway's log writes is counted as often as it happened", () => {
  let now = 100;
  const collector = collectUpstreamFailures({ ours: true, nowMs: () => now });
  {
    using log = startFailureLog("198.18.0.3:8081", (line) => collector.add(line));
    for (let i = 0; i < 12; i++) {
      log.add({ code: "EADDRNOTAVAIL", step: "connect", reason: "cannot assign requested address" });
      now += 100;
    }
    log.add({ code: "EOF", step: "response", reason: "it closed" });
  }
  assertEquals(collector.result(), [
    { code: "EADDRNOTAVAIL", step: "connect", count: 12, firstMs: 100 },
    { code: "EOF", step: "response", count: 1, firstMs: 1300 },
  ]);
  assertEquals(failuresOf(collector.result(), "EADDRNOTAVAIL"), 12);
  assertEquals(failuresOf(undefined, "EADDRNOTAVAIL"), 0);
});

Deno.test("other lines are passed over", () => {
  assertEquals(parseFailureLine("listening on http://198.18.0.2:8080"), undefined);
  assertEquals(parseFailureLine("upstream failed: EADDRNOTAVAIL connect 198.18.0.3:8081 (…)"), undefined);
});

Deno.test("failures from before the load do not count, and the clock of the others begins with it", () => {
  let now = 0;
  const collector = collectUpstreamFailures({ ours: true, nowMs: () => now });
  collector.add("upstream failed: EOF response 198.18.0.3:8081 (it closed) ×7");
  collector.begin(1_000);
  now = 1_250;
  collector.add("upstream failed: EOF response 198.18.0.3:8081 (it closed) ×2");
  assertEquals(collector.result(), [{ code: "EOF", step: "response", count: 2, firstMs: 250 }]);
});

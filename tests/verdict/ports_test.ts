import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import { portUseOf } from "../../tools/verdict/ports.ts";
import { churning, knob, RANGE, REUSE, runOf } from "../support/made_up_knobs.ts";
import { results } from "../support/made_up_results.ts";

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

  const exhausted = runOf("direct", made, REUSE, "0");
  const range = { ...knob(RANGE, "20000 20399") };
  const report = renderReport(results([{ ...exhausted, repetitions: [{ ...made, knobs: [range] }] }]));
  assertStringIncludes(report, "`direct` ran out of ports; the prediction was off by 0.8%.");
  assertStringIncludes(report, "**it ran out of ephemeral ports** (`ports-exhausted`, certain)");
  assertStringIncludes(report, "Its log has EADDRNOTAVAIL 510 times");
});

Deno.test("of a range so large that connects get very slow from the half on, no second is foretold", () => {
  // 1,500 ports a second up to half of 28,232, and 300 from then on.
  const timeMs = Array.from({ length: 401 }, (_, i) => i * 100);
  const timeWait = timeMs.map((ms) =>
    Math.round(Math.min(1.5 * ms, 14_116) + Math.max(0, 0.3 * (ms - 9_411)))
  );
  const idle = timeMs.map(() => 0);
  const host = { timeWait: idle, established: idle, connectionsOpened: idle };
  const samples = {
    timeMs,
    hosts: { client: host, gateway: { ...host, timeWait }, backend: host },
    answered: { timeMs: [], requests: [] },
  };
  const { halfSec, takenPerSec, ...use } = portUseOf(churning(0, { samples }), 28_232);
  assertEquals(halfSec, 9.5);
  assert(takenPerSec! > 300);
  assertEquals("predictedSec" in use, false);
});

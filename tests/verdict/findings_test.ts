import {
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import { plotsOf } from "../../tools/report/plots/plots.ts";
import { readResults } from "../../tools/results/read.ts";
import { analyse } from "../../tools/verdict/findings.ts";
import { portsInUse } from "../../tools/verdict/ports.ts";
import { type Measured, watchingOf } from "../../tools/results/results.ts";
import { BASELINE, churning } from "../support/made_up_knobs.ts";
import { pool, repetition, results, run } from "../support/made_up_results.ts";
import { ROOT } from "../support/root.ts";

const kept = (name: string) => readResults(`${ROOT}tests/results/kept/${name}.json`);

Deno.test("a warning is a kind with figures, and names its run", () => {
  const failed = run("pool-100", [{ failed: "no" }, { failed: "no" }, repetition(1)]);
  const { warnings } = analyse(
    results([run("direct", [repetition(1)], null), failed], { interrupted: true }),
  );
  assertEquals(warnings, [
    { kind: "interrupted", figures: {} },
    { kind: "failed repetitions", run: "pool-100", figures: { reason: "no", repetitions: 2, of: 3 } },
  ]);
});

Deno.test("plot, findings and attribution agree on the ports in use, TIME_WAITs of clients left out", async () => {
  const document = await kept("exhaustion");
  const findings = analyse(document);
  const { lines } = plotsOf(document).find(({ name }) => name === "ports")!;
  for (const [i, run] of document.runs.entries()) {
    for (const [k, repetition] of watchingOf(run, "gateway").entries()) {
      const { usedPeak } = findings.runs[i]!.ports!.repetitions[k]!;
      assertEquals(usedPeak, Math.max(...portsInUse(repetition)));
      const drawn = lines.some(({ name, points }) =>
        name === run.name && Math.max(...points.map(([, y]) => y)) === usedPeak
      );
      assertEquals(drawn, true, `${run.name} ${k + 1}`);
      // The kept samples are thinned, attribution saw all of them.
      const { portsUsedPeak } = repetition.hosts.gateway;
      assertGreaterOrEqual(portsUsedPeak, usedPeak);
      assertLess(portsUsedPeak - usedPeak, 100);
    }
  }
  const one = churning(0);
  const [opened] = one.hosts.gateway.timeWaitGroups;
  const timeWaitGroups = [
    { ...opened!, timeWait: 1000 },
    { ...opened!, side: "accepted", timeWait: 3000 } as const,
  ];
  const mixed = {
    ...one,
    hosts: { ...one.hosts, gateway: { ...one.hosts.gateway, timeWaitGroups } },
  };
  assertEquals(portsInUse(mixed), [0, 500, 1000]);
});

Deno.test("ports that a load comes to hold are never fewer than were seen, and the rate is that before connects get slow", () => {
  // 2,000 connections a second until half of the 4,000 ports are in use, 100 a second from then on.
  const timeMs = Array.from({ length: 31 }, (_, i) => i * 100);
  const counts = timeMs.map((ms) => Math.min(2000 * ms / 1000, 2000) + Math.max(0, (ms - 1000) / 10));
  const idle = timeMs.map(() => 0);
  const host = { timeWait: idle, established: idle, connectionsOpened: idle };
  const gateway = { ...host, timeWait: counts, connectionsOpened: counts };
  const made = churning(0, {
    samples: {
      timeMs,
      hosts: { client: host, gateway, backend: host },
      answered: { timeMs: [0], requests: [8000] },
    },
  });
  const knobs = [{ ...BASELINE.repetitions[0] as Measured }.knobs![0]!];
  const document = results([run("pool-10", [{ ...made, knobs }], pool(10))]);
  const { portForecast: forecast } = analyse(document).runs[0]!;
  assertEquals([forecast!.openedPerSec, forecast!.fastestPerSec].map(Math.round), [100, 2000]);
  assertEquals([forecast!.halfAfterSec, forecast!.halfWasReached], [1, true]);
  // 2,200 are in use after 3 s. At 100 a second all would be after 21 s, at 2,000 a second after 3.9 s.
  assertEquals(forecast!.exhaustedAfterSec, 3.9);
  assertEquals(forecast!.held, 2200 + 100 * 57);
  assertMatch(
    renderReport(document),
    /were in use after 1\.0 s\*\*.* \*\*run out after 3\.9 s at the earliest/,
  );
  const slow = churning(0, {
    samples: {
      timeMs,
      hosts: {
        client: host,
        gateway: {
          ...gateway,
          connectionsOpened: timeMs.map((ms) => ms < 1500 ? 1990 : 1990 + (ms - 1500) / 150),
        },
        backend: host,
      },
      answered: { timeMs: [0], requests: [8000] },
    },
  });
  const calm = analyse(results([run("pool-10", [slow], pool(10))])).runs[0]!;
  assertEquals(calm.ports!.repetitions[0]!.usedPeak, 2200);
  assertGreaterOrEqual(calm.portForecast!.held, 2200);
});

Deno.test("TIME_WAITs of connections from clients are named beside those of connections to the backend", () => {
  const one = repetition(5_000, { opened: 0 });
  const timeWaitGroups = [{ side: "accepted", service: "198.18.0.2:8080", timeWait: 11_059 }] as const;
  const hosts = { ...one.hosts, gateway: { ...one.hosts.gateway, timeWaitGroups } };
  const samples = { ...one.samples, answered: { timeMs: [0, 8000], requests: [0, 0] } };
  const report = renderReport(results([run("refuses", [{ ...one, hosts, samples }])]));
  assertStringIncludes(report, "It opened no connection to the backend for 40,000 requests.");
  assertStringIncludes(report, "The backend answered none of the requests.");
  assertStringIncludes(
    report,
    "11,059 connections of its clients were in TIME_WAIT at the end, and none of its connections to the backend.",
  );
});

Deno.test("TIME_WAITs of connections from clients are named as well where those to the backend churn", () => {
  const one = repetition(5_000, { opened: 16_000, timeWait: 15_000 });
  const accepted = { side: "accepted", service: "198.18.0.2:8080", timeWait: 5_937 } as const;
  const gateway = { ...one.hosts.gateway, timeWaitGroups: [...one.hosts.gateway.timeWaitGroups, accepted] };
  assertMatch(
    renderReport(results([run("closes", [{ ...one, hosts: { ...one.hosts, gateway } }])])),
    /5,937 connections of its clients were in TIME_WAIT besides\./,
  );
});

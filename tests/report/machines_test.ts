import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import { parseResults } from "../../tools/results/read.ts";
import type { ClientPart, OnMachines, Results } from "../../tools/results/results.ts";
import { causesOf } from "../../tools/verdict/causes.ts";
import { evidenceOf } from "../../tools/verdict/evidence_of_run.ts";
import { analyse } from "../../tools/verdict/findings.ts";
import { warningsOf } from "../../tools/verdict/warnings.ts";
import { repetition, results, run } from "../support/made_up_results.ts";

function onMachines(...clients: Partial<ClientPart>[]): OnMachines {
  return {
    clients: clients.map((client) => ({
      connections: 500,
      requests: 4000,
      requestsPerSec: 500,
      beganAfterMs: 3,
      cpuSec: 1,
      idleShare: 0.6,
      ...client,
    })),
    idleShares: { gateway: 0.4 },
    clockErrorMs: 23,
    waitedMs: 61_000,
  };
}

function there(...repetitions: OnMachines[]): Results {
  const measured = repetitions.map((onMachines) =>
    repetition(1000, { opened: 500, timeWait: 400, machine: null, onMachines })
  );
  const document = results([{ ...run("gateway", measured, { running: true }), baseline: true }]);
  const { environment } = document;
  return {
    ...document,
    environment: {
      ...environment,
      lab: { kind: "remote" },
      machines: [
        { party: "client", prefix: "ssh load1", kernel: "6.1.0", cpus: 4 },
        { party: "client", prefix: "ssh load2", kernel: "6.1.0", cpus: 0.5 },
        {
          party: "gateway",
          prefix: "sshpass -p *** ssh gw1",
          kernel: "6.6.1",
          cpus: 1,
          proxies: ["Linkerd: port 4143"],
        },
      ],
      notWatched: ["backend"],
    },
  };
}

Deno.test("a client without CPU time to spare is named, and the gateway is not blamed", () => {
  const spare = onMachines({}, {});
  const full = onMachines({}, { idleShare: 0.01 });
  const document = there(spare, full, full);
  const busy = warningsOf(document).flatMap((warning) =>
    warning.kind === "client busy" ? [warning.figures] : []
  );
  assertEquals(busy, [{
    client: 2,
    clients: 2,
    prefix: "ssh load2",
    repetitions: 2,
    of: 3,
    idleShare: 0.01,
  }]);
  const report = renderReport(document);
  assertStringIncludes(report, "**a busy client, not a slow gateway**: client 2 of 2 (`ssh load2`)");
  assertStringIncludes(report, "in 2 of 3 repetitions");
  // Two threads of its generator for the 8 s that the load took.
  const generator = there(onMachines({ cpuSec: 15.9 }, {}));
  assertEquals(warningsOf(generator).filter(({ kind }) => kind === "client busy").length, 1);
  assertEquals(warningsOf(there(spare)).filter(({ kind }) => kind === "client busy"), []);
});

Deno.test("the report says which machines, what is not known, and what is not so there", () => {
  const report = renderReport(there(onMachines({}, { beganAfterMs: 7 })));
  for (
    const words of [
      "- lab: remote;",
      "- client 1: `ssh load1`, 4 CPUs, Linux 6.1.0",
      "- client 2: `ssh load2`, 0.5 CPUs, Linux 6.1.0",
      "- gateway: `sshpass -p *** ssh gw1`, 1 CPU, Linux 6.6.1",
      "**a proxy is in the path** (Linkerd: port 4143)",
      "- backend: not watched",
      "at most 61 s",
      "to within 23 ms; the clients began at most 7 ms apart",
      "Nothing was fresh there",
      "no knob was written",
      "The backend was not watched: TIME_WAITs there are not known",
    ]
  ) assertStringIncludes(report, words);
  assert(!report.includes("this machine's own sysctls differ"));
});

Deno.test("a document of given machines can be read again, and one of before has no machines", () => {
  const document = there(onMachines({}, {}));
  assertEquals(parseResults(JSON.stringify(document), "it"), document);
  const before = results([run("direct", [repetition(1000)], null)]);
  assertEquals(parseResults(JSON.stringify(before), "it").environment.machines, undefined);
});

Deno.test("of a party that nobody watched, evidence and figures say nothing, and not 0", () => {
  const document = there(onMachines({}, {}));
  const [run] = document.runs;
  const evidence = evidenceOf(run!, document.environment)!;
  assertEquals("timeWaitOnBackend" in evidence.upstream!, false);
  assertEquals(evidence.upstream!.opened, 500);
  const unseen = { ...document.environment, notWatched: ["gateway", "backend"] as const };
  const blind = evidenceOf(run!, unseen)!;
  assertEquals([blind.upstream, blind.clients, blind.ports, blind.listenDrops], Array(4).fill(undefined));
  assertEquals(causesOf(blind), []);
  const { runs: [found] } = analyse({ ...document, environment: unseen });
  assertEquals([found!.churn, found!.ports, found!.figures.openedPerRequest], Array(3).fill(undefined));
  assertEquals(found!.figures.timeWaitPeak, undefined);
  assert(!renderReport({ ...document, environment: unseen }).includes("TIME_WAIT on the gateway over time"));
});

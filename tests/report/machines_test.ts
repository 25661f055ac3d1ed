import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { plotsOf } from "../../tools/report/plots/plots.ts";
import { renderReport } from "../../tools/report/report.ts";
import { parseResults } from "../../tools/results/read.ts";
import type { ClientPart, Measured, OnMachines, Results } from "../../tools/results/results.ts";
import { showProgress } from "../../tools/run/progress.ts";
import { causesOf } from "../../tools/verdict/causes.ts";
import { evidenceOf } from "../../tools/verdict/evidence_of_run.ts";
import { checkDocuments } from "../../tools/verdict/documents.ts";
import { analyse } from "../../tools/verdict/findings.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { requireWatched } from "../../tools/verdict/gate_runs.ts";
import { warningsOf } from "../../tools/verdict/warnings.ts";
import { NO_ERRORS, repetition, results, run } from "../support/made_up_results.ts";

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

/** A repetition in which the host of a party was not watched. */
function unseen(of: Measured, party: "gateway" | "backend"): Measured {
  const { hosts, samples } = of;
  return {
    ...of,
    hosts: { ...hosts, [party]: null },
    samples: { ...samples, hosts: { ...samples.hosts, [party]: null } },
  };
}

/** A document of which nobody watched the gateway. */
function blindOf(document: Results): Results {
  const { environment, runs } = document;
  const repetitions = runs[0]!.repetitions.map((one) => unseen(one as Measured, "gateway"));
  return {
    ...document,
    environment: { ...environment, notWatched: ["gateway", "backend"] },
    runs: [{ ...runs[0]!, repetitions }],
  };
}

function there(...repetitions: OnMachines[]): Results {
  const measured = repetitions.map((onMachines) =>
    unseen(repetition(1000, { opened: 500, timeWait: 400, machine: null, onMachines }), "backend")
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
  const busyIn = (document: Results) =>
    warningsOf(document).filter(({ kind }) => kind === "client busy").length;
  assertEquals(busyIn(there(spare)), 0);
  // What the process of an open loop uses before its first request is no load.
  const open = there(onMachines({ cpuSec: 7.7 }, {}));
  const { environment } = open;
  const loop = { ...environment, load: { name: "open-loop", version: "0.1.0" } as const };
  assertEquals(busyIn({ ...open, environment: loop }), 0);
  assertEquals(busyIn({ ...there(onMachines({ cpuSec: 8 }, {})), environment: loop }), 1);
});

Deno.test("a machine without CPU time to spare is named, the gateway's and the backend's", () => {
  const machines = onMachines({}, {});
  const full = { ...machines, idleShares: { gateway: 0.02, backend: 0 } };
  const document = there(machines, full);
  const busy = warningsOf(document).filter(({ kind }) => kind === "machine busy");
  assertEquals(busy.map(({ figures }) => figures), [
    { party: "gateway", idleShare: 0.02, repetitions: 1, of: 2 },
    { party: "backend", idleShare: 0, repetitions: 1, of: 2 },
  ]);
  const report = renderReport(document);
  assertStringIncludes(report, "the gateway's machine had no CPU time to spare in 1 of 2 repetitions");
  assertStringIncludes(report, "the backend's machine had no CPU time to spare");
});

Deno.test("a client that is out of ports is told by its own range, and not by the gateway's", () => {
  const outOf = (ports: readonly number[]) => {
    const spare = onMachines({}, {});
    const one = repetition(1000, { opened: 500, onMachines: spare, errors: { ...NO_ERRORS, connect: 7 } });
    const client = { ...one.hosts.client, portsUsedPeak: 2000 };
    const document = there(spare);
    const { environment: { machines, ...environment }, runs } = document;
    const told = machines!.map((machine, i) => i < 2 ? { ...machine, ports: ports[i]! } : machine);
    const report = renderReport({
      ...document,
      environment: { ...environment, machines: told },
      runs: [{ ...runs[0]!, repetitions: [{ ...one, hosts: { ...one.hosts, client } }] }],
    });
    // No knob is written there.
    assert(!report.includes("--sysctl"));
    return report.match(/[\d,]+ ports of the clients' hosts were in use/g) ?? [];
  };
  assertEquals(outOf([28_232, 28_232]), []);
  assertEquals(outOf([1_000, 28_232]), ["2,000 ports of the clients' hosts were in use"]);
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
  const blindDocument = blindOf(document);
  const blind = evidenceOf(blindDocument.runs[0]!, blindDocument.environment)!;
  assertEquals([blind.upstream, blind.clients, blind.ports, blind.listenDrops], Array(4).fill(undefined));
  assertEquals(causesOf(blind), []);
  const { runs: [found] } = analyse(blindDocument);
  assertEquals([found!.churn, found!.ports, found!.figures.openedPerRequest], Array(3).fill(undefined));
  assertEquals(found!.figures.timeWaitPeak, undefined);
  assert(!renderReport(blindDocument).includes("TIME_WAIT on the gateway over time"));
  const drawn = plotsOf(blindDocument).map(({ name }) => name);
  assertEquals(drawn.filter((name) => ["time_wait", "new_connections", "ports"].includes(name)), []);
  const lines: string[] = [];
  const terminal = { columns: () => undefined, write: (text: string) => void lines.push(text) };
  showProgress(terminal, {}, ["gateway"]).onRepetition("gateway", 1, blindDocument.runs[0]!.repetitions[0]!);
  assertEquals(
    lines.join(""),
    "gateway 1: 1,000 requests/s\nFirst round, refined below:\n  gateway: 1,000 requests/s\n",
  );
});

Deno.test("a gate on what nobody watched neither holds nor fails: it is refused with the reason", () => {
  const document = blindOf(there(onMachines({}, {})));
  const documents = [{ name: "it", results: document }];
  for (
    const figure of [
      "gateway.timeWaitPeak",
      "hosts.backend.listenDrops",
      "reuseRatio",
      "sides.backend.timeWaitPeak",
    ]
  ) {
    const party = figure.includes("hosts.backend") ? "backend" : "gateway";
    const message = `${figure}<=1000: ${figure} is not known where the ${party} is not watched`;
    const gates = [parseGate(`${figure}<=1000`)];
    assertThrows(() => checkDocuments(gates, documents), TimewaitError, message);
    assertThrows(() => requireWatched(gates, document.environment.notWatched!), TimewaitError, message);
  }
  // Nor is a change from what nobody has seen, or to it.
  const seen = { name: "seen", results: there(onMachines({}, {})) };
  const blind = { name: "blind", results: document };
  const change = [parseGate("gateway.timeWaitPeak<=+10%")];
  for (const pair of [[seen, blind], [blind, seen]]) {
    assertThrows(
      () => checkDocuments(change, pair),
      TimewaitError,
      "is not known where the gateway is not watched",
    );
  }
  const [check] = checkDocuments([parseGate("client.connectionsOpened<=5000")], documents);
  assertEquals(check!.verdict, "cannot tell");
});

Deno.test("a document in which who was not watched was all zeros is read as one that does not know", () => {
  const document = there(onMachines({}, {}));
  const { repetitions, ...run } = document.runs[0]!;
  const { hosts, samples } = repetition(1000);
  const zeros = { ...repetitions[0]! as Measured, hosts, samples };
  const read = parseResults(JSON.stringify({ ...document, runs: [{ ...run, repetitions: [zeros] }] }), "it");
  const [one] = read.runs[0]!.repetitions as [Measured];
  assertEquals([one.hosts.backend, one.samples.hosts.backend], [null, null]);
  assertEquals(one.hosts.gateway, hosts.gateway);
});

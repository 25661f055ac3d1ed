import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { TimewaitError, UnavailableError } from "../../tools/errors.ts";
import { findCommand } from "../../tools/lab/find_command.ts";
import { startProcess } from "../../tools/lab/process.ts";
import { summarizeLatency } from "../../tools/load/latency.ts";
import { mergeLatency } from "../../tools/load/latency_histogram.ts";
import { renderReport } from "../../tools/report/report.ts";
import { parseResults } from "../../tools/results/read.ts";
import { isMeasured, type Measured, type Results } from "../../tools/results/results.ts";
import { runScenario } from "../../tools/run/run_scenario.ts";
import type { Scenario } from "../../tools/scenario/scenario.ts";
import { findingsDocument } from "../../tools/verdict/findings_document.ts";
import { countSockets, startMachines, type TestMachine } from "../support/machines.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";
import { prefixOf } from "../support/shells.ts";
import { until } from "../support/until.ts";
import "../support/one_at_a_time.ts";

function measuredOf(results: Results, run = results.runs[0]!.name): Measured {
  const repetition = results.runs.find(({ name }) => name === run)!.repetitions[0]!;
  assert(isMeasured(repetition), "failed" in repetition ? repetition.failed : "");
  return repetition;
}

/**
 * Starts one of our servers on a machine, by a way that is not the bench's own, and waits until it listens.
 */
async function startThere(machine: TestMachine, port: number, script: string, ...flags: string[]) {
  const process = await startProcess([], {
    name: script,
    argv: machine.argv(
      Deno.execPath(),
      ...["run", "--quiet", "--cached-only", "--config", `${ROOT}deno.json`, "--allow-net", "--allow-read"],
      ...[
        "--allow-env",
        "--allow-sys",
        `${ROOT}tools/${script}`,
        "--listen",
        `${machine.address}:${port}`,
        ...flags,
      ],
    ),
  });
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  await until(async () => new RegExp(`:${hex} 0+:0000 0A `).test(await machine.run("cat", "/proc/net/tcp")));
  return process;
}

/** `ActiveOpens` of a machine. */
async function activeOpens(machine: TestMachine): Promise<number> {
  const lines = (await machine.run("cat", "/proc/net/snmp")).split("\n").filter((line) =>
    line.startsWith("Tcp:")
  );
  const [names, values] = lines.map((line) => line.split(" "));
  return Number(values![names!.indexOf("ActiveOpens")]);
}

Deno.test({
  name: "a load of two clients is divided exactly, and its figures are those of both",
  ...wrkInPrivateLab,
  async fn() {
    await using machines = await startMachines("load1", "load2", "be1");
    const { load1, load2, be1 } = machines.of;
    const results = await runScenario({
      question: "How fast is the backend?",
      hosts: { client: [load1.prefix, `${load2.prefix} env API_TOKEN=abcdefgh`], backend: be1.prefix },
      backendUrl: `http://${be1.address}:8081/`,
      backend: { latency: "50ms" },
      load: { connections: 101, duration: "1s", warmUp: 0 },
      runs: [{ name: "direct" }],
    }, { repeat: 1 });
    const { requests, errors, latencyHistogram, latencyUs, onMachines, inFlight, ...measured } = measuredOf(
      results,
    );
    const { clients, clockErrorMs } = onMachines!;
    assertEquals(clients.map(({ connections }) => connections), [51, 50]);
    assertEquals(clients.reduce((sum, one) => sum + one.requests, 0), requests);
    assert(clients.every((one) => one.requests > 0));
    const rates = clients.reduce((sum, one) => sum + one.requestsPerSec, 0);
    assertLessOrEqual(Math.abs(rates - measured.requestsPerSec), 1e-6);
    assertEquals(latencyHistogram!.count.reduce((sum, count) => sum + count), requests - errors.timeout);
    const kept = summarizeLatency(mergeLatency([latencyHistogram!]));
    for (const name of ["p50", "p99", "p999"] as const) {
      assert(kept[name] >= latencyUs[name] && kept[name] <= latencyUs[name] * (1 + 1 / 256), name);
    }
    // The backend has counted by itself, and what was on its way at the end.
    assertEquals(inFlight, 101);
    assertGreaterOrEqual(measured.backendRequests!, requests);
    assertLessOrEqual(measured.backendRequests!, requests + 101);
    assertLessOrEqual(clockErrorMs, 500);
    assertLessOrEqual(Math.max(...clients.map(({ beganAfterMs }) => beganAfterMs)), 100);
    assertEquals(results.environment.lab, { kind: "remote" });
    assertEquals(results.environment.notWatched, ["gateway"]);
    assertEquals(results.environment.machines?.map(({ party }) => party), ["client", "client", "backend"]);
    const document = JSON.stringify(results);
    parseResults(document, "what was measured");
    assert(!document.includes("abcdefgh"));
    assertStringIncludes(document, "env API_TOKEN=***");
  },
});

Deno.test({
  name:
    "a gateway that runs already is watched, its counters agree with those that are read there by hand, and it goes on",
  ...wrkInPrivateLab,
  async fn() {
    await using machines = await startMachines("load1", "gw1", "be1");
    const { load1, gw1, be1 } = machines.of;
    await using _backend = await startThere(be1, 8081, "backend.ts", "--latency", "50ms");
    await using gateway = await startThere(
      gw1,
      8080,
      "gateway.ts",
      ...["--upstream", `http://${be1.address}:8081`, "--pool-max-idle-per-host", "10"],
    );
    const openedBefore = await activeOpens(gw1);
    const results = await runScenario({
      question: "What does it do?",
      hosts: { client: load1.prefix, gateway: gw1.prefix },
      url: `http://${gw1.address}:8080/some/path`,
      load: { connections: 100, duration: "1s", warmUp: 0 },
      runs: [{ name: "gateway", gateway: { running: true } }],
    }, { repeat: 1 });
    const counted = await countSockets(gw1, "06", 8081);
    const opened = await activeOpens(gw1) - openedBefore;
    const { hosts, onMachines, processes, reuseRatio, requests, ...measured } = measuredOf(results);
    const towards = hosts.gateway!.timeWaitGroups.find(({ side }) => side === "opened")!;
    // The client has left since, with a request on its way on each of its connections.
    assertLessOrEqual(towards.timeWait, counted);
    assertGreaterOrEqual(towards.timeWait, counted - 200);
    assertLessOrEqual(hosts.gateway!.connectionsOpened, opened);
    assertGreaterOrEqual(hosts.gateway!.connectionsOpened, opened - 200);
    assertGreaterOrEqual(hosts.gateway!.connectionsOpened, 100);
    assertEquals(onMachines!.backendPortSeen, 8081);
    assertEquals([processes.gateway, processes.backend], [null, null]);
    assertEquals(measured.witnesses, undefined);
    assert(reuseRatio! < 1 && requests > 0);
    // No sample shows more TIME_WAITs than there were in the end.
    assertLessOrEqual(Math.max(...measured.samples.hosts.gateway!.timeWait), counted);
    assertEquals(await Promise.race([gateway.exited, Promise.resolve("runs")]), "runs");

    // On a machine that is busy otherwise, a pool of 10 looks like none, and both are named.
    const causes = findingsDocument([{ results }]).runs[0]!.causes.map(({ cause }) => cause);
    assert(causes.includes("pool-too-small"), causes.join());
    const report = renderReport(results);
    assertStringIncludes(report, "lab: remote; backend: runs already");
    assertStringIncludes(report, "backend: not watched");
    assertStringIncludes(report, "the backend's port was not given: it is taken to be 8081");
    assertStringIncludes(report, "no knob was written");
    assertStringIncludes(report, "`gateway`: runs there already, at `http://198.18.1.2:8080/some/path`");
  },
});

/**
 * The incident at a size that takes seconds: clients that are more than one pool keeps, and not the other.
 */
const INCIDENT = {
  question: "What does a pool cost that is smaller than the concurrency?",
  backend: { latency: "50ms" },
  load: { connections: 200, duration: "1s", warmUp: 0 },
  // The one that leaves TIME_WAITs comes last: it is waited for them to go.
  runs: [
    { name: "pool-200", gateway: { poolMaxIdlePerHost: 200 } },
    { name: "pool-20", gateway: { poolMaxIdlePerHost: 20 } },
  ],
} satisfies Scenario;

function causesOf(results: Results): Record<string, string[]> {
  return Object.fromEntries(
    findingsDocument([{ results }]).runs.map(({ name, causes }) => [name, causes.map(({ cause }) => cause)]),
  );
}

Deno.test({
  name: "the incident's scenario on given machines names the causes that it names in a private lab",
  ...wrkInPrivateLab,
  async fn() {
    await using machines = await startMachines("load1", "load2", "gw1", "be1");
    const { load1, load2, gw1, be1 } = machines.of;
    const inLab = await runScenario(INCIDENT, { repeat: 1, lab: "private", seed: 2 });
    const there = await runScenario({
      ...INCIDENT,
      hosts: { client: [load1.prefix, load2.prefix], gateway: gw1.prefix, backend: be1.prefix },
      url: `http://${gw1.address}:8080/`,
      backendUrl: `http://${be1.address}:8081/`,
    }, { repeat: 1, seed: 2 });
    assertEquals(causesOf(there), causesOf(inLab));
    assertEquals(causesOf(there), { "pool-200": ["none"], "pool-20": ["pool-too-small"] });
    for (const { name } of INCIDENT.runs) {
      const { hosts, witnesses, sides, samples } = measuredOf(there, name);
      const [witness] = witnesses!;
      // Counted by the backend itself, one connection at a time.
      const accepted = witness!.accepted + (witness!.unused ?? 0);
      assertLessOrEqual(Math.abs(hosts.gateway!.connectionsOpened - accepted), 200);
      assertEquals(sides!.clients.establishedBefore, 0);
      assertLessOrEqual(sides!.clients.connectionsOpened, 202);
      assert(samples.hosts.client.established.some((count) => count >= 200));
    }
  },
});

Deno.test({
  name:
    "two gateways that run already are compared by turns, and where one is not watched, its cause is not guessed",
  ...wrkInPrivateLab,
  async fn() {
    await using machines = await startMachines("load1", "gw1", "be1");
    const { load1, gw1, be1 } = machines.of;
    await using _backend = await startThere(be1, 8081, "backend.ts", "--latency", "50ms");
    const upstream = ["--upstream", `http://${be1.address}:8081`];
    await using _small = await startThere(
      gw1,
      8080,
      "gateway.ts",
      ...upstream,
      "--pool-max-idle-per-host",
      "5",
    );
    await using _large = await startThere(gw1, 8090, "gateway.ts", ...upstream);
    const scenario = {
      question: "Which of the two keeps its connections?",
      url: `http://${gw1.address}:8080/`,
      backendUrl: `http://${be1.address}:8081/`,
      load: { connections: 50, duration: "1s", warmUp: 0 },
      runs: [
        { name: "direct" },
        { name: "large", gateway: { running: true }, url: `http://${gw1.address}:8090/` },
        { name: "small", gateway: { running: true } },
      ],
    } satisfies Scenario;
    const hosts = { client: load1.prefix, gateway: gw1.prefix, backend: be1.prefix };
    const watched = await runScenario({ ...scenario, hosts }, { repeat: 1, seed: 2 });
    assertEquals(causesOf(watched), { direct: [], large: ["none"], small: ["pool-too-small"] });
    const { hosts: seen } = measuredOf(watched, "large");
    const [group, ...others] = seen.backend?.connectionGroups ?? [];
    assertEquals([group?.side, others], ["accepted", []]);
    // The other gateway's may stand beside them.
    assertGreaterOrEqual(group!.established, 50);

    const unseen = await runScenario({ ...scenario, hosts: { client: load1.prefix } }, {
      repeat: 1,
      seed: 2,
    });
    assertEquals(causesOf(unseen), { direct: [], large: [], small: [] });
    const { reuseRatio, hosts: blind, samples } = measuredOf(unseen, "small");
    assertEquals([reuseRatio, blind.gateway, blind.backend, samples.hosts.gateway], Array(4).fill(null));
    const report = renderReport(unseen);
    assertStringIncludes(report, "**The gateway was not watched**");
    const row = report.split("\n").find((line) => line.startsWith("| `small`"))!;
    assertEquals(row.split("|").slice(-3, -1).map((cell) => cell.trim()), ["–", "–"]);
  },
});

Deno.test({
  name: "wrk and a script for it go to a client that has neither, and nothing of them is left there",
  ...wrkInPrivateLab,
  async fn() {
    await using machines = await startMachines("load1", "be1");
    const { load1, be1 } = machines.of;
    await using there = await prefixOf("dash");
    const tmp = await Deno.makeTempDir();
    for (const tool of ["mktemp", "rm", "head", "cksum", "mkdir", "chmod", "wc"]) {
      await Deno.symlink(findCommand(tool), `${there.folder}/${tool}`);
    }
    const script = `${tmp}/post.lua`;
    await Deno.writeTextFile(
      script,
      'wrk.method = "POST"\nwrk.body = "x"\nwrk.headers["X-From"] = "script"\n',
    );
    const scenario = {
      question: "Does it go there?",
      hosts: { client: `${load1.prefix} ${there.prefix} TMPDIR=${tmp}`, backend: be1.prefix },
      backendUrl: `http://${be1.address}:8081/`,
      backend: { status: 200 },
      load: { connections: 2, duration: "1s", warmUp: 0, script },
      runs: [{ name: "direct" }],
    } satisfies Scenario;
    await assertRejects(
      () => runScenario(scenario, { repeat: 1 }),
      UnavailableError,
      "install it there (apt-get install wrk), or add --push",
    );
    const results = await runScenario(scenario, { repeat: 1, push: true });
    assertEquals(measuredOf(results).errors.status, 0);
    assertEquals([...Deno.readDirSync(tmp)].map(({ name }) => name), ["post.lua"]);
    await Deno.remove(tmp, { recursive: true });
  },
});

Deno.test({
  name: "machines that cannot be measured on are refused in one line, before anything is measured",
  ...wrkInPrivateLab,
  async fn() {
    await using machines = await startMachines("load1", "gw1", "be1");
    const { load1, gw1, be1 } = machines.of;
    const scenario = {
      question: "Is it refused?",
      hosts: { client: load1.prefix, gateway: gw1.prefix, backend: be1.prefix },
      url: `http://${gw1.address}:8080/`,
      backendUrl: `http://${be1.address}:8081/`,
      load: { connections: 2, duration: "1s", warmUp: 0 },
      runs: [{ name: "gateway", gateway: { running: true } }],
    } satisfies Scenario;
    await using other = await prefixOf("dash", { others: true });
    await Deno.writeTextFile(`${other.folder}/wrk`, "#!/bin/sh\necho wrk 4.2.0\n", { mode: 0o755 });
    const two = [load1.prefix, `${gw1.prefix} ${other.prefix}`];
    await using broken = await prefixOf("dash", { others: true });
    await Deno.writeTextFile(`${broken.folder}/wrk`, "#!/no/such/interpreter\n", { mode: 0o755 });
    // In the place of Deno is one that is another version and says that it has the sources.
    const deno =
      `#!/bin/sh\ncase $1 in --version) echo "deno 2.0.0 (stable)" ;; *) echo "timewait ${config.version}" ;; esac`;
    await Deno.writeTextFile(`${other.folder}/deno`, deno, { mode: 0o755 });
    const otherDeno = `${gw1.prefix} unshare --mount sh -c ` +
      `'mount --bind ${other.folder}/deno ${Deno.execPath()} && exec "$@"' sh`;
    const refused: [Scenario, string][] = [
      [
        { ...scenario, hosts: { ...scenario.hosts, gateway: load1.prefix } },
        "are one machine with one TCP table",
      ],
      [{ ...scenario, hosts: { client: two } }, "wrk is 4.1.0 on the client 1"],
      [
        { ...scenario, hosts: { client: `${load1.prefix} ${broken.prefix}` } },
        "wrk does not run on the client (",
      ],
      [
        {
          ...scenario,
          hosts: { client: [load1.prefix, otherDeno] },
          load: { ...scenario.load, rate: 10 },
        },
        `the open loop needs Deno ${Deno.version.deno} as ${Deno.execPath()} and these sources`,
      ],
      [
        { ...scenario, hosts: { client: [...two, be1.prefix] } },
        "connections of 2 cannot be divided among 3 clients",
      ],
      [{ ...scenario, hosts: { client: "exit 7;" } }, "exit 7"],
      [
        { ...scenario, hosts: { ...scenario.hosts, client: `${load1.prefix} prlimit --nofile=50` } },
        "and the limit there is 50",
      ],
      [
        { ...scenario, sysctls: { "net.ipv4.tcp_tw_reuse": 0 } },
        "sysctls cannot be set on hosts that are given",
      ],
    ];
    for (const [one, message] of refused) {
      const error = await assertRejects(() => runScenario(one, { repeat: 1 }), TimewaitError);
      assertStringIncludes(error.message, message);
      assert(!error.message.includes("\n"), error.message);
    }
  },
});

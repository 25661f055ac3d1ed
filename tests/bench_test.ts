import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { type Results, SCHEMA } from "../tools/results/results.ts";
import { privateLab, wrk, wrkInPrivateLab } from "./support/requirements.ts";
import { assertDescribed } from "./support/strict_schema.ts";
import { isAlive, until } from "./support/until.ts";
import { BENCH, bench, inDirectory, LOAD, measured, run, SHORT } from "./support/bench.ts";
import { ROOT } from "./support/root.ts";

Deno.test({
  name: "the figures of a repetition agree with each other",
  ...wrkInPrivateLab,
  async fn() {
    const { stdout } = await bench(...SHORT, "--lab", "private", "--load", "wrk", "--json", "-");
    const results: Results = JSON.parse(stdout);
    const { hosts, samples, processes, requests, durationSec, requestsPerSec, reuseRatio } = measured(
      results,
      "pool-100",
    );
    const { gateway, backend, client } = hosts;
    assert(Math.abs(requests / durationSec - requestsPerSec) < 1e-6);
    assert(Math.abs(reuseRatio! - (1 - gateway.connectionsOpened / requests)) < 1e-9);
    // wrk looks whether it can connect before it opens what it was asked for.
    assertEquals(client.connectionsOpened, 301);
    assertEquals(backend.connectionsOpened, 0);
    assert(gateway.timeWaitEntered! >= gateway.timeWaitPeak);
    const series = samples.hosts.gateway;
    assertEquals(series.timeWait.length, samples.timeMs.length);
    assert(Math.max(...series.timeWait) <= gateway.timeWaitPeak);
    assert(series.connectionsOpened.at(-1)! <= gateway.connectionsOpened);
    assertGreater(processes.gateway!.cpuSec, 0);
    assertGreater(processes.load.rssPeakBytes, 1_000_000);
    assertLess(processes.sampler.cpuSec, processes.gateway!.cpuSec);
    assertEquals(results.environment.sysctls["net.ipv4.tcp_tw_reuse"], "2");
  },
});

Deno.test({
  name: "any gateway is measured by its command line",
  ...wrkInPrivateLab,
  async fn() {
    const gateway = `${Deno.execPath()} run --no-prompt --allow-net --cached-only ${ROOT}tools/gateway.ts ` +
      "--listen {listen} --upstream {upstream} --pool-max-idle-per-host 0";
    const { code, stdout } = await bench(
      ...SHORT,
      "--gateway",
      gateway,
      "--gateway",
      "false {listen}",
      "--json",
      "-",
    );
    assertEquals(code, 1);
    const results: Results = JSON.parse(stdout);
    assertEquals(results.runs.map((run) => run.name), ["direct", "deno", "false"]);
    const { hosts, requests } = measured(results, "deno");
    assertGreater(hosts.gateway.connectionsOpened, requests / 2);
    assertEquals(results.runs[2]!.repetitions, [{
      failed: "the gateway ended before it listened: exit code 1",
    }]);
  },
});

Deno.test({
  name: "a gateway that ends or answers nothing while the load runs has not been measured",
  ...wrkInPrivateLab,
  async fn() {
    await inDirectory(async (directory) => {
      const serve = (name: string, code: string) =>
        Deno.writeTextFile(
          `${directory}/${name}.ts`,
          `const [hostname, port] = Deno.args; ${code}
          for await (const _ of Deno.listen({ hostname: hostname!, port: Number(port) })) { /* and not a word */ }`,
        );
      await serve("dies", 'setTimeout(() => { console.error("out of luck"); Deno.exit(3); }, 900);');
      await serve("silent", "");
      const gateway = (name: string) =>
        `${Deno.execPath()} run --no-prompt --allow-net ${directory}/${name}.ts {listen_host} {listen_port}`;
      const flags = ["--gateway", gateway("dies"), "--gateway", gateway("silent"), "--json", "-"];
      const { code, stdout } = await bench(...SHORT, ...flags);
      assertEquals(code, 1);
      const results: Results = JSON.parse(stdout);
      const [, dies, silent] = results.runs.map((run) => run.repetitions[0]!);
      assertEquals(dies, { failed: "the gateway ended while the load ran: out of luck (exit code 3)" });
      assertEquals(silent, { failed: "no request was answered in 1 s" });
    });
  },
});

Deno.test({
  name: "where wrk is not installed, autocannon stands in, and the report says so and how to install wrk",
  ...privateLab,
  async fn() {
    const hide = 'wrk=$(command -v wrk) && mount --bind /dev/null "$wrk"; exec "$@"';
    const wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", hide, "sh"];
    const { code, stdout, stderr } = await run([...wrapper, ...BENCH, ...SHORT]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "The load came from autocannon");
    assertStringIncludes(stdout, "apt-get install wrk");
    const missing = await run([...wrapper, ...BENCH, ...SHORT, "--load", "wrk"]);
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.stderr, "error: wrk was not found on PATH: apt-get install wrk");
  },
});

Deno.test({
  name: "a full disk costs neither the report nor what was kept before",
  ...wrkInPrivateLab,
  async fn() {
    await inDirectory(async (directory) => {
      const mount =
        `mount -t tmpfs -o size=12k timewait ${directory} && "$@"; code=$?; cat ${directory}/results.json; exit $code`;
      const wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"];
      const { code, stdout, stderr } = await run([...wrapper, ...BENCH, ...SHORT, "--out", directory]);
      assertEquals(code, 1);
      assertStringIncludes(stdout, "| `pool-1000`");
      assertStringIncludes(stdout, `"schema": "${SCHEMA}"`);
      assertMatch(stderr, /error: .*(results\.json|report\.md) cannot be written: No space left on device/);
    });
  },
});

for (const lab of ["private", "host"]) {
  Deno.test({
    name: `SIGKILL of the bench leaves no process, in a ${lab} lab`,
    ...(lab === "private" ? wrkInPrivateLab : wrk),
    async fn() {
      const [program, ...args] = BENCH;
      const child = new Deno.Command(program!, {
        args: [...args, ...LOAD, "--duration", "20s", "--lab", lab],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      let children: number[] = [];
      await until(async () => (children = await descendants(child.pid)).some(isWrk), 20_000);
      assertGreater(children.length, 5);
      child.kill("SIGKILL");
      await child.status;
      await until(() => !children.some(isAlive), 2_000);
    },
  });
}

Deno.test({
  name: "the first Ctrl-C ends the bench in order, with what was measured so far",
  ...wrk,
  async fn() {
    await inDirectory(async (directory) => {
      const [program, ...args] = BENCH;
      const child = new Deno.Command(program!, {
        args: [...args, "undersized_pool", "two_gates", ...SHORT, "--repeat", "9", "--out", directory],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const kept = async (): Promise<Results> =>
        JSON.parse(await Deno.readTextFile(`${directory}/undersized_pool/results.json`));
      await until(
        async () => (await kept().catch(() => undefined))?.runs[0]?.repetitions.length === 1,
        20_000,
      );
      child.kill("SIGINT");
      const { code, stdout } = await child.output();
      assertEquals(code, 130);
      assertStringIncludes(
        new TextDecoder().decode(stdout),
        "The bench was stopped before all was measured.",
      );
      assertEquals((await kept()).interrupted, true);
      assertGreater((await kept()).runs[0]!.repetitions.length, 0);
      const directories = Array.from(Deno.readDirSync(directory), (entry) => entry.name);
      assertEquals(directories, ["undersized_pool"], "the second scenario was begun");
    });
  },
});

Deno.test({
  name: "Ctrl-C ends a bench at once whose gateway does not listen yet",
  ...wrk,
  async fn() {
    const [program, ...args] = BENCH;
    const child = new Deno.Command(program!, {
      args: [
        ...args,
        "./tests/support/one_run.ts",
        "--gateway",
        "sh -c 'sleep 1234' {listen}",
        "--repeat",
        "9",
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const waits = async () => (await commandsOf(child.pid)).includes("sleep");
    await until(waits, 20_000);
    const fromMs = performance.now();
    child.kill("SIGINT");
    assertEquals((await child.output()).code, 130);
    assertLess(performance.now() - fromMs, 5_000);
  },
});

Deno.test({
  name: "one Ctrl-C in a terminal, which deno task passes on a second time, ends the bench in order",
  ...wrk,
  async fn() {
    await inDirectory(async (directory) => {
      const line = [Deno.execPath(), "task", "bench", ...SHORT, "--repeat", "9", "--out", directory].join(
        " ",
      );
      const child = new Deno.Command("script", {
        args: ["-qec", line, "/dev/null"],
        cwd: ROOT,
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const shown = new Response(child.stdout).text();
      const kept = async (): Promise<Results> =>
        JSON.parse(await Deno.readTextFile(`${directory}/results.json`));
      const measuredOnce = (results: Results) => results.runs.some((run) => run.repetitions.length === 1);
      await until(
        async () => measuredOnce(await kept().catch(() => ({ runs: [] }) as unknown as Results)),
        30_000,
      );
      const terminal = child.stdin.getWriter();
      await terminal.write(new TextEncoder().encode("\x03"));
      await child.status;
      await terminal.abort().catch(() => {});
      assertStringIncludes(await shown, "The bench was stopped before all was measured.");
      assertEquals((await kept()).interrupted, true);
    });
  },
});

Deno.test({
  name: "SIGKILL of the task that started the bench ends the bench",
  ...wrk,
  async fn() {
    const args = ["task", "bench", ...LOAD, "--duration", "20s"];
    const child = new Deno.Command(Deno.execPath(), {
      args,
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let children: number[] = [];
    await until(async () => (children = await descendants(child.pid)).some(isWrk), 30_000);
    child.kill("SIGKILL");
    await child.status;
    await until(() => !children.some(isAlive), 5_000);
  },
});

Deno.test("paths are those of the directory where the task was typed", async () => {
  await inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/mine.ts`, "export const other = 1;");
    // A task within a task keeps the directory of the first, so this one must not know of it.
    const task = [Deno.execPath(), "task", "--quiet", "--config", `${ROOT}deno.json`, "bench", "./mine.ts"];
    const argv = ["env", "-u", "INIT_CWD", ...task];
    const { code, stderr } = await run(argv, { cwd: directory });
    assertEquals(code, 2);
    assertStringIncludes(stderr, './mine.ts is no scenario: it needs "export default');
  });
});

Deno.test({
  name: "a pool described by flags is measured, by the names that the gateway has for them",
  ...wrkInPrivateLab,
  async fn() {
    const flags = ["--transport", "net-http", "--max-idle-conns", "3", "--max-idle-conns-per-host", "20"];
    const { code, stdout, stderr } = await bench(
      ...flags,
      ...["--connections", "20", "--latency", "5ms", "--duration", "1s", "--warm-up", "0", "--repeat", "1"],
      ...["--json", "-"],
    );
    assertEquals(code, 0, stderr);
    const results: Results = JSON.parse(stdout);
    assertStringIncludes(results.command, flags.join(" "));
    assertLess(measured(results, "net-http").pool!.idlePeak, 4);
  },
});

Deno.test({
  name: "bad usage is one line on standard error and exit code 2",
  // Some of it is refused for wrk.
  ...wrk,
  async fn() {
    const cases: [string[], string][] = [
      [["--conections", "5"], "unknown flag --conections; did you mean --connections?"],
      [["undersized_poll"], "there is no scenario undersized_poll; did you mean undersized_pool?"],
      [["--duration", "soon"], '--duration takes a duration such as 500ms, 10s or 2m, not "soon"'],
      [["--body-bytes", "1.5KiB"], '--body-bytes takes a size such as 512, 64KiB or 32MiB, not "1.5KiB"'],
      [
        ["--connections", "5", "--threads", "10"],
        "--connections must be at least the number of threads, 10, not 5",
      ],
      [["--warm-up", "500ms", "--load", "wrk"], "--warm-up must be whole seconds for wrk, or 0, not 500ms"],
      [["--script", "/no/such.lua"], "--script /no/such.lua cannot be read"],
      [["./no_such_scenario.ts"], "error: ./no_such_scenario.ts is no scenario: No such file or directory"],
      [["tools/paths.ts"], 'tools/paths.ts is no scenario: it needs "export default'],
      [["--quick", "false"], "--quick takes no value"],
      [["--duration", "600h"], "--duration takes at most 24h, not 600h"],
      [["--max-idle-conns", "5"], "--max-idle-conns is for the transport net-http: add --transport net-http"],
      [["--gateway", "gw {lisetn}"], "--gateway has no placeholder {lisetn}; did you mean listen?"],
      [["--gateway", "gw --upstream {upstream}"], "put {listen} into"],
      [["--json", "a", "undersized_pool", "undersized_pool"], "--json takes the results of one scenario"],
      [["--latency", "-1"], '--latency takes a duration such as 500ms, 10s or 2m, not "-1"'],
      [["-d", "30"], "unknown flag -d; here it is --duration, with a unit: 30s"],
      [["--list", "gateways"], "--list measures nothing"],
      [["--self-check", "--transport", "net-http"], "--self-check measures the baseline under two names"],
      [["--threads", "3"], "undersized_pool.ts: --connections cannot be 1000: wrk gives each of 3 threads"],
    ];
    await Promise.all(cases.map(async ([args, message]) => {
      const { code, stdout, stderr } = await bench(...args);
      assertEquals([code, stdout], [2, ""], args.join(" "));
      assertStringIncludes(stderr, `error: `);
      assertStringIncludes(stderr, message);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    }));
  },
});

Deno.test("an output that cannot be written is told before anything is measured", async () => {
  for (
    const args of [["--json", "/no/such/file"], ["--html", "/no/such/file"], ["--out", "/proc/timewait"]]
  ) {
    const { code, stderr } = await bench(...SHORT, ...args);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^error: .*(\/no\/such\/file cannot be written|\/proc\/timewait cannot be made)[^\n]*\n$/,
    );
  }
});

Deno.test({
  name: "--rate measures an open loop, which the report says, and which wrk is refused for",
  ...wrkInPrivateLab,
  async fn() {
    await inDirectory(async (directory) => {
      const args = [
        "--quick",
        "--connections",
        "50",
        "--duration",
        "1s",
        "--latency",
        "20ms",
        "--rate",
        "400",
      ];
      const { code, stdout, stderr } = await bench(
        ...args,
        "--lab",
        "private",
        "--json",
        `${directory}/open.json`,
      );
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "open loop, 400/s");
      assertStringIncludes(stdout, "--rate 400");
      assert(!stdout.includes("closed loop"));
      const results: Results = JSON.parse(await Deno.readTextFile(`${directory}/open.json`));
      assertDescribed(results);
      assertEquals(results.environment.load.name, "open-loop");
      for (const name of ["direct", "pool-100", "pool-1000"]) {
        const { arrivals, requests, durationSec } = measured(results, name);
        assertEquals([arrivals!.due, requests, durationSec], [400, 400, 1], name);
      }
      const refused = await bench(...args, "--load", "wrk");
      assertEquals(refused.code, 2);
      assertStringIncludes(refused.stderr, "--rate is for the open loop, and wrk waits for each answer");
    });
  },
});

Deno.test("--list names the scenarios with their questions", async () => {
  const { code, stdout } = await bench("--list");
  assertEquals(code, 0);
  assertStringIncludes(stdout, "undersized_pool (default): What does");
});

async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await run(["ps", "-eo", "pid=,ppid="]);
  const rows = stdout.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const found = new Set([pid]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const [child, parent] of rows) if (found.has(parent!)) found.add(child!);
  }
  found.delete(pid);
  return [...found];
}

async function commandsOf(pid: number): Promise<string[]> {
  const pids = await descendants(pid);
  const { stdout } = await run(["ps", "-o", "comm=", "-p", pids.join() || "0"]);
  return stdout.split("\n").map((line) => line.trim());
}

function isWrk(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "comm=", "-p", String(pid)] }).outputSync();
  return new TextDecoder().decode(stdout).trim() === "wrk";
}

Deno.test("a gate of a run that the scenario does not have is refused before anything is measured", async () => {
  const { code, stdout, stderr } = await bench("--lab", "host", "--gate", "pool-10:requestsPerSec>=-30%");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "there is no run pool-10; did you mean pool-100?");
  const direct = await bench("--lab", "host", "--gate", "direct:requestsPerSec>=-30%");
  assertEquals(direct.code, 2);
  assertStringIncludes(direct.stderr, "a change can be told of pool-100, pool-1000");
});

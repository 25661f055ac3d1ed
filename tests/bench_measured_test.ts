/** What bench says of what it has measured. */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { isMeasured, type Results, SCHEMA } from "../tools/results/results.ts";
import { assertDescribed } from "./support/strict_schema.ts";
import { wrk, wrkInPrivateLab } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";
import { BENCH, bench, inDirectory, measured, ONE_RUN, run, SHORT } from "./support/bench.ts";

Deno.test({
  name: "the default scenario, measured once under a load that takes all that the machine has",
  ...wrkInPrivateLab,
  async fn(t) {
    await inDirectory(async (directory) => {
      const flags = ["--lab", "private", "--load", "wrk", "--out", directory, "--predict"];
      const { code, stdout, stderr } = await bench(...SHORT, ...flags);
      assertEquals(code, 0, stderr);
      const results: Results = JSON.parse(await Deno.readTextFile(`${directory}/results.json`));
      const [direct, small, fitting] = results.runs.map((run) => measured(results, run.name));

      await t.step("a pool too small piles up TIME_WAIT, one that fits does not", () => {
        assertEquals(results.runs.map((run) => run.name), ["direct", "pool-100", "pool-1000"]);
        assertEquals(results.runs.map((run) => run.baseline), [true, false, false]);
        // On a machine that is busy otherwise, one that fits loses some connections whose answers are late.
        assertGreater(
          small!.hosts.gateway!.timeWaitPeak,
          4 * Math.max(5, fitting!.hosts.gateway!.timeWaitPeak),
        );
        assertGreater(direct!.requestsPerSec, small!.requestsPerSec);
        assertEquals(direct!.reuseRatio, null);
      });

      await t.step("the report has the causes, the drawings and the predictions", async () => {
        const report = await Deno.readTextFile(`${directory}/report.md`);
        const beforeDrawings = stdout.slice(0, stdout.indexOf("## TIME_WAIT"));
        assertEquals(report.slice(0, report.indexOf("###")), beforeDrawings);
        for (const [, file] of report.matchAll(/!\[.*\]\((.*)\)/g)) {
          assertMatch(await Deno.readTextFile(`${directory}/${file}`), /^<svg /);
        }
        assertMatch(stdout, /\| `pool-100` +\|/);
        assertStringIncludes(stdout, "**its pool of idle connections is too small**");
        assertStringIncludes(stdout, "```mermaid");
        for (const text of [stdout, report]) {
          assertStringIncludes(text, "### Predicted beside measured");
          assertStringIncludes(text, "calibrated on `direct` by its CPU time");
        }
      });

      await t.step("the figures agree with each other and with the schema", () => {
        assertEquals(results.schema, SCHEMA);
        assertDescribed(results);
        const { hosts, samples, processes, requests, durationSec, requestsPerSec, reuseRatio } = small!;
        const { gateway, backend, client } = hosts;
        assert(gateway !== null && backend !== null);
        assert(Math.abs(requests / durationSec - requestsPerSec) < 1e-6);
        // On a machine that is busy otherwise, the warm connections alone may be more than the requests.
        const reused = Math.max(0, 1 - gateway.connectionsOpened / requests);
        assert(Math.abs(reuseRatio! - reused) < 1e-9);
        // wrk looks whether it can connect before it opens what it was asked for.
        assertEquals(client.connectionsOpened, 301);
        assertEquals(backend.connectionsOpened, 0);
        assert(gateway.timeWaitEntered! >= gateway.timeWaitPeak);
        const series = samples.hosts.gateway!;
        assertEquals(series.timeWait.length, samples.timeMs.length);
        assert(Math.max(...series.timeWait) <= gateway.timeWaitPeak);
        assert(series.connectionsOpened.at(-1)! <= gateway.connectionsOpened);
        assertGreater(processes.gateway!.cpuSec, 0);
        assertGreater(processes.load.rssPeakBytes, 1_000_000);
        assertLess(processes.sampler.cpuSec, processes.gateway!.cpuSec);
        assertEquals(results.environment.sysctls["net.ipv4.tcp_tw_reuse"], "2");
      });
    });
  },
});

Deno.test({
  name: "the host lab attributes TIME_WAIT by port, and the report says what it cannot show",
  ...wrk,
  async fn() {
    const { code, stdout, stderr } = await bench(
      "./tests/support/no_pool.ts",
      "--repeat",
      "1",
      "--lab",
      "host",
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "Measured in a host lab.");
    const cell = /^\| `no-pool` .* ([\d,]+) \|$/m.exec(stdout)?.[1];
    assertGreater(Number(cell?.replaceAll(",", "")), 100);
  },
});

Deno.test({
  name: "where user namespaces are not to be had, the host lab takes over and the report names the reason",
  ...wrkInPrivateLab,
  async fn() {
    const forbid = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"';
    const wrapper = [
      "unshare",
      "--user",
      "--map-root-user",
      "--net",
      "sh",
      "-c",
      `ip link set lo up; ${forbid}`,
      "sh",
    ];
    const fallen = await run([...wrapper, ...BENCH, ...ONE_RUN]);
    assertEquals(fallen.code, 0, fallen.stderr);
    assertStringIncludes(fallen.stdout, "user.max_user_namespaces is 0");
    const refused = await run([...wrapper, ...BENCH, ...ONE_RUN, "--lab", "private"]);
    assertEquals(refused.code, 1);
    assertMatch(refused.stderr, /^error: --lab cannot be private: .*user\.max_user_namespaces is 0[^\n]*\n$/);
  },
});

Deno.test({
  name: "a self-check measures one run under two names by turns, and one that cannot tell has exit code 3",
  ...wrkInPrivateLab,
  async fn() {
    const { code, stdout, stderr } = await bench(
      ...["--self-check", "--connections", "20", "--latency", "20ms", "--duration", "1s", "--seed", "7"],
      ...["--repeat", "2", "--warm-up", "0", "--until", "0.1%", "--max-time", "1s", "--json", "-"],
    );
    assertEquals(code, 3, `two repetitions cannot raise an alarm: ${stderr}`);
    const results: Results = JSON.parse(stdout);
    assertEquals(results.seed, 7);
    assertEquals(results.method, {
      repeat: 2,
      until: { width: 0.001, maxTimeMs: 1000 },
      selfCheck: true,
    });
    assertEquals(results.runs.map((run) => [run.name, run.repetitions.length]), [["direct-a", 2], [
      "direct-b",
      2,
    ]]);
    const [a, b] = results.runs.map((run) =>
      run.repetitions.map((one) => isMeasured(one) ? one.startedMs! : Infinity)
    );
    assertLess(Math.max(a![0]!, b![0]!), Math.min(a![1]!, b![1]!));
    assertStringIncludes(
      results.command,
      "--seed 7 --repeat 2 --warm-up 0 --until 0.1% --max-time 1s",
    );
  },
});

Deno.test({
  name: "a gate of a bench is checked against its baseline, and its verdict is the exit code",
  ...wrkInPrivateLab,
  async fn() {
    const { code, stdout, stderr } = await bench(
      ...["./tests/support/twice.ts", "--repeat", "1", "--gate", "again:requestsPerSec>=-30%"],
      ...["--gate", "direct:client.timeWaitPeak<=100000"],
    );
    assertEquals(code, 3, stderr);
    assertStringIncludes(stdout, "## Gates");
    assertStringIncludes(stdout, "cannot tell: too few repetitions, 6 would be enough");
  },
});

Deno.test({
  name: "a bench that decides stops by itself, says after how many rounds, and compare says the same of it",
  ...wrkInPrivateLab,
  async fn() {
    await inDirectory(async (directory) => {
      const gate = ["--gate", "again:requestsPerSec>=-90%"];
      const { code, stdout, stderr } = await bench(
        "./tests/support/twice.ts",
        "--decide",
        ...gate,
        "--json",
        `${directory}/a.json`,
      );
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "holds, decided after 7 rounds");
      assertMatch(stderr, /^First round, refined below:\n( {2}\w+: [\d,]+ requests\/s, .*\n){2}\w+ 2: /m);
      const decided: Results = JSON.parse(await Deno.readTextFile(`${directory}/a.json`));
      const { method, runs } = decided;
      assertEquals(method.decide, { maxTimeMs: 600_000, gates: ["again:requestsPerSec>=-90%"] });
      assertEquals(runs.map(({ repetitions }) => repetitions.length), [7, 7]);
      const compare = [Deno.execPath(), "run", "--no-prompt", "--allow-read", "--allow-env"]
        .concat(`${ROOT}tools/compare.ts`);
      const again = await run([...compare, `${directory}/a.json`, ...gate]);
      assertEquals(again.code, 0, again.stderr);
      assertStringIncludes(again.stdout, "holds, decided after 7 rounds");
      // As many repetitions by themselves are enough for a gate of every run.
      const repeated = JSON.stringify({ ...decided, method: { repeat: 7, until: null } });
      await Deno.writeTextFile(`${directory}/b.json`, repeated);
      const plain = await run([...compare, `${directory}/b.json`, "--gate", "requestsPerSec>=-99%"]);
      assertEquals(plain.code, 0, plain.stderr);
      assertMatch(plain.stdout, /\| +holds \|/);
    });
  },
});

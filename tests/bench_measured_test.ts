/** What bench says of what it has measured. */

import { assertEquals, assertGreater, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { isMeasured, type Results, SCHEMA } from "../tools/results/results.ts";
import { assertDescribed } from "./support/strict_schema.ts";
import { wrk, wrkInPrivateLab } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";
import { BENCH, bench, inDirectory, measured, run, SHORT } from "./support/bench.ts";

/** One run, of a second. */
const ONE_RUN = ["./tests/support/one_run.ts", "--repeat", "1"];

Deno.test({
  name: "the default scenario tells its story: a pool too small piles up TIME_WAIT, one that fits does not",
  ...wrkInPrivateLab,
  async fn() {
    await inDirectory(async (directory) => {
      const { code, stdout, stderr } = await bench(
        ...SHORT,
        "--lab",
        "private",
        "--load",
        "wrk",
        "--out",
        directory,
        "--predict",
      );
      assertEquals(code, 0, stderr);
      const results: Results = JSON.parse(await Deno.readTextFile(`${directory}/results.json`));
      const report = await Deno.readTextFile(`${directory}/report.md`);
      assertEquals(report.slice(0, report.indexOf("###")), stdout.slice(0, stdout.indexOf("## TIME_WAIT")));
      for (const [, file] of report.matchAll(/!\[.*\]\((.*)\)/g)) {
        assertMatch(await Deno.readTextFile(`${directory}/${file}`), /^<svg /);
      }
      assertEquals(results.schema, SCHEMA);
      assertDescribed(results);
      assertEquals(results.runs.map((run) => run.name), ["direct", "pool-100", "pool-1000"]);
      assertEquals(results.runs.map((run) => run.baseline), [true, false, false]);
      const [direct, small, fitting] = results.runs.map((run) => measured(results, run.name));
      assertGreater(
        small!.hosts.gateway!.timeWaitPeak,
        20 * Math.max(1, fitting!.hosts.gateway!.timeWaitPeak),
      );
      assertGreater(direct!.requestsPerSec, small!.requestsPerSec);
      assertGreater(fitting!.reuseRatio!, small!.reuseRatio!);
      assertEquals(direct!.reuseRatio, null);
      assertMatch(stdout, /\| `pool-100` +\|/);
      assertStringIncludes(stdout, "**its pool of idle connections is too small**");
      assertStringIncludes(stdout, "```mermaid");
      for (const text of [stdout, report]) {
        assertStringIncludes(text, "### Predicted beside measured");
        assertStringIncludes(text, "calibrated on `direct` by its CPU time");
      }
    });
  },
});

Deno.test({
  name: "the host lab attributes TIME_WAIT by port, and the report says what it cannot show",
  ...wrk,
  async fn() {
    const { code, stdout, stderr } = await bench(...SHORT, "--lab", "host");
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "Measured in a host lab.");
    const cell = /^\| `pool-100` .* ([\d,]+) \|$/m.exec(stdout)?.[1];
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
    const few = await bench(
      ...["--rate", "200", "--connections", "20", "--warm-up", "0", "--duration", "200ms", "--repeat", "1"],
      ...["--gate", "pool-100:requestsPerSec>=-30%", "--gate", "pool-1000:gateway.timeWaitPeak<=100000"],
    );
    assertEquals(few.code, 3, few.stderr);
    assertStringIncludes(few.stdout, "cannot tell: too few repetitions, 6 would be enough");
    const { code, stdout, stderr } = await bench(
      ...["./tests/support/twice.ts", "--repeat", "6", "--gate", "requestsPerSec>=-99%"],
      ...["--gate", "again:client.timeWaitPeak<=100000"],
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "## Gates");
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
      const { method, runs }: Results = JSON.parse(await Deno.readTextFile(`${directory}/a.json`));
      assertEquals(method.decide, { maxTimeMs: 600_000, gates: ["again:requestsPerSec>=-90%"] });
      assertEquals(runs.map(({ repetitions }) => repetitions.length), [7, 7]);
      const compare = [
        Deno.execPath(),
        "run",
        "--no-prompt",
        "--allow-read",
        "--allow-env",
        `${ROOT}tools/compare.ts`,
      ];
      const again = await run([...compare, `${directory}/a.json`, ...gate]);
      assertEquals(again.code, 0, again.stderr);
      assertStringIncludes(again.stdout, "holds, decided after 7 rounds");
    });
  },
});

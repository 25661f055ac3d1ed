/** What bench says before anything is measured. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { wrk } from "./support/requirements.ts";
import { bench, inDirectory, PERMISSIONS, run, SHORT } from "./support/bench.ts";
import { answersOf } from "./support/script.ts";
import { ROOT } from "./support/root.ts";

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
  name: "bad usage is one line on standard error and exit code 2",
  // Some of it is refused for wrk.
  ...wrk,
  async fn() {
    const cases: [string[], string][] = [
      [["--conections", "5"], "unknown flag --conections; did you mean --connections?"],
      [
        ["--host", "client=", "--url", "http://127.0.0.1:9/", "--gate", "gateway.timeWaitPeak<=5"],
        "--gate gateway.timeWaitPeak<=5: gateway.timeWaitPeak is not known where the gateway is not watched",
      ],
      [
        ["--host", "client=", "--url", "http://127.0.0.1:9/", "--find", "connections"],
        "--find of connections counts those that the gateway opens: give its host as well",
      ],
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
    // That the exit code of the process is that of its main, the first shows for all.
    const [first, ...others] = cases.map(([args]) => args);
    const answers = [await bench(...first!), ...await answersOf("bench", others, PERMISSIONS)];
    for (const [i, [args, message]] of cases.entries()) {
      const { code, stdout, stderr } = answers[i]!;
      assertEquals([code, stdout], [2, ""], args.join(" "));
      assertStringIncludes(stderr, `error: `);
      assertStringIncludes(stderr, message);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    }
  },
});

Deno.test("an output that cannot be written is told before anything is measured", async () => {
  const places = [["--json", "/no/such/file"], ["--html", "/no/such/file"], ["--out", "/proc/timewait"]];
  const answers = await answersOf("bench", places.map((place) => [...SHORT, ...place]), PERMISSIONS);
  for (const { code, stderr } of answers) {
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^error: .*(\/no\/such\/file cannot be written|\/proc\/timewait cannot be made)[^\n]*\n$/,
    );
  }
});

Deno.test("--list names the scenarios with their questions", async () => {
  const { code, stdout } = await bench("--list");
  assertEquals(code, 0);
  assertStringIncludes(stdout, "undersized_pool (default): What does");
});

Deno.test("a gate of a run that the scenario does not have is refused before anything is measured", async () => {
  const gates = ["pool-10:requestsPerSec>=-30%", "direct:requestsPerSec>=-30%"];
  const lines = gates.map((gate) => ["--lab", "host", "--gate", gate]);
  const [unknown, baseline] = await answersOf("bench", lines, PERMISSIONS);
  assertEquals([unknown!.code, unknown!.stdout], [2, ""]);
  assertStringIncludes(unknown!.stderr, "there is no run pool-10; did you mean pool-100?");
  assertEquals(baseline!.code, 2);
  assertStringIncludes(baseline!.stderr, "a change can be told of pool-100, pool-1000");
});

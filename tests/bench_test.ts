/** What bench measures, and what it says of it. */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { type Results, SCHEMA } from "../tools/results/results.ts";
import { privateLab, wrkInPrivateLab } from "./support/requirements.ts";
import { assertDescribed } from "./support/strict_schema.ts";
import { BENCH, bench, GENTLE, inDirectory, measured, ONE_RUN, run } from "./support/bench.ts";
import { ROOT } from "./support/root.ts";

Deno.test({
  name: "any gateway is measured by its command line",
  ...wrkInPrivateLab,
  async fn() {
    const gateway = `${Deno.execPath()} run --no-prompt --allow-net --cached-only ${ROOT}tools/gateway.ts ` +
      "--listen {listen} --upstream {upstream} --pool-max-idle-per-host 0";
    const { code, stdout } = await bench(
      ...GENTLE,
      ...["--duration", "1s", "--gateway", gateway, "--gateway", "false {listen}", "--json", "-"],
    );
    assertEquals(code, 1);
    const results: Results = JSON.parse(stdout);
    assertEquals(results.runs.map((run) => run.name), ["direct", "deno", "false"]);
    const { hosts, requests } = measured(results, "deno");
    assertGreater(hosts.gateway!.connectionsOpened, requests / 2);
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
      const { code, stdout } = await bench(...GENTLE, "--duration", "1s", ...flags);
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
    const { code, stdout, stderr } = await run([...wrapper, ...BENCH, ...ONE_RUN]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "The load came from autocannon");
    assertStringIncludes(stdout, "apt-get install wrk");
    const missing = await run([...wrapper, ...BENCH, ...ONE_RUN, "--load", "wrk"]);
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
      const { code, stdout, stderr } = await run([
        ...wrapper,
        ...BENCH,
        ...GENTLE,
        "--duration",
        "1s",
        "--out",
        directory,
      ]);
      assertEquals(code, 1);
      assertStringIncludes(stdout, "| `pool-1000`");
      assertStringIncludes(stdout, `"schema": "${SCHEMA}"`);
      assertMatch(stderr, /error: .*(results\.json|report\.md) cannot be written: No space left on device/);
    });
  },
});

Deno.test({
  name: "a pool described by flags is measured, by the names that the gateway has for them",
  ...wrkInPrivateLab,
  async fn() {
    const flags = ["--transport", "net-http", "--max-idle-conns", "3", "--max-idle-conns-per-host", "20"];
    const { code, stdout, stderr } = await bench(
      ...flags,
      ...["--connections", "20", "--latency", "50ms", "--duration", "1s", "--warm-up", "0", "--repeat", "1"],
      ...["--json", "-"],
    );
    assertEquals(code, 0, stderr);
    const results: Results = JSON.parse(stdout);
    assertStringIncludes(results.command, flags.join(" "));
    assertLess(measured(results, "net-http").pool!.idlePeak, 4);
  },
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
        "--warm-up",
        "0",
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
      assertStringIncludes(
        refused.stderr,
        "--rate is for the open loop, and wrk waits for each answer",
      );
    });
  },
});

import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import "../support/one_at_a_time.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";
import { quoteForShell } from "../../tools/scenario/placeholders.ts";
import { ROOT } from "../support/root.ts";
import { runForASecond } from "../support/one_second.ts";

const SMALL = ["--connections", "200", "--latency", "100ms"];

Deno.test({
  name: "a pool of 100 under 200 connections opens connections all the time, one of 1,000 does not",
  ...wrkInPrivateLab,
  async fn() {
    const { run, results } = await runForASecond("undersized_pool", ...SMALL, "--header", "X: it's");
    const [small, fitting] = ["pool-100", "pool-1000"].map((name) => run(name).hosts.gateway!.timeWaitPeak);
    assertGreater(small!, 5 * Math.max(1, fitting!));
    assertEquals(
      results.command,
      `deno task --config ${
        quoteForShell(`${ROOT}deno.json`)
      } bench ./undersized_pool.ts --lab private --duration 1s --warm-up 0 --repeat 1 ` +
        "--connections 200 --latency 100ms --header 'X: it'\\''s'",
    );
  },
});

Deno.test({
  name: "the reader's gateway is measured as it stands, where few connections fit its pool and many do not",
  ignore: wrkInPrivateLab.ignore || peers.ignore,
  async fn() {
    const { run, report } = await runForASecond("my_gateway", "--latency", "200ms");
    const [few, many] = ["few-connections", "many-connections"].map((name) => run(name).hosts.gateway);
    assertGreater(many!.connectionsOpened, few!.connectionsOpened);
    assertEquals(run("few-connections").errors.status, 0);
    assertStringIncludes(report, "# Does the pool of my gateway fit its load?");
  },
});

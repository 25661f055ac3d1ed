import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import "../support/one_at_a_time.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { runForASecond } from "../support/one_second.ts";
import { foundIn } from "../../tools/verdict/found.ts";

Deno.test({
  name: "over the number of connections, 200 per host and 100 in all give themselves away",
  ...wrkInPrivateLab,
  async fn() {
    const { run, report, results } = await runForASecond("sweep", "--sweep", "connections=20,300");
    assertEquals(results.runs.map(({ name }) => name).slice(0, 3), [
      ...["direct connections=20", "direct connections=300", "200-100 connections=20"],
    ]);
    const openedPerRequest = (connections: number) => {
      const { hosts, requests } = run(`200-100 connections=${connections}`);
      return hosts.gateway!.connectionsOpened / requests;
    };
    assertGreater(openedPerRequest(300), openedPerRequest(20));
    assertMatch(report, /\n## The knee\n/);
    assertMatch(report, /!\[Requests served a second\]\(sweep_requests\.svg\)/);
    assertMatch(report, /\n\| `200-100` +\| +300 \|/);
  },
});

Deno.test({
  name: "the size of a pool is found from outside, whatever its limits say",
  ...wrkInPrivateLab,
  async fn() {
    const { results, report } = await runForASecond("sweep", "--find", "connections=75..150");
    const [small, large] = foundIn(results);
    // On a quiet machine it is within 10%, 100…105.
    assertEquals([small!.holds!.value <= 125, small!.fails!.value > 80], [true, true]);
    assertEquals([large!.holds!.value, large!.fails], [150, undefined]);
    assertMatch(report, /The pool of `200-100` holds \*\*\d+ connections\*\*/);
  },
});

import { assertEquals } from "@std/assert";
import { parseFind } from "../../tools/scenario/find.ts";
import { foundIn } from "../../tools/verdict/found.ts";
import { repetition, results, run } from "../support/made_up_results.ts";
import { at, foundResults, together } from "../support/made_up_sweep.ts";

const connections = (value: number, kept: number, how: Parameters<typeof together>[2] = {}, count = 1) =>
  at("small", "connections", value, Array.from({ length: count }, () => together(value, kept, how)), {
    beatMs: 200,
  });

Deno.test("a pool holds as many connections as it opens no new ones for after the first time", () => {
  const [found] = foundIn(foundResults([1000, 50, 100, 105].map((value) => connections(value, 100))));
  assertEquals([found!.series, found!.holds?.value, found!.fails?.value], ["small", 100, 105]);
  assertEquals(found!.tried.map(({ value, held, broke, hint }) => [value, held, broke, hint]), [
    [50, 1, 0, undefined],
    [100, 1, 0, undefined],
    [105, 0, 1, 100],
    [1000, 0, 1, 100],
  ]);
  assertEquals(found!.fails!.why.map(({ figure }) => figure), ["share"]);
  assertEquals([found!.cap, found!.together], [undefined, undefined]);
});

Deno.test("requests that were on their way at the end needed their connections too", () => {
  const half = { ...together(1000, 100), requests: 5500, backendRequests: 6000 };
  const [found] = foundIn(foundResults([at("small", "connections", 1000, [half], { beatMs: 200 })]));
  assertEquals(found!.tried[0]!.hint, 100);
});

Deno.test("a gateway that answers too seldom says nothing, and does not hold", () => {
  const [found] = foundIn(foundResults([connections(1000, 100, { times: 2 })]));
  assertEquals(found!.fails!.why.map(({ figure }) => figure), ["too slow"]);
  assertEquals(found!.fails!.hint, undefined);
});

Deno.test("a limit on connections is no pool that is too small", () => {
  const capped = (value: number) => ({
    ...together(value, value),
    hosts: repetition(1, { opened: Math.min(40, value) }).hosts,
  });
  const runs = [20, 200, 1000].map((value) => at("small", "connections", value, [capped(value)]));
  assertEquals(foundIn(foundResults(runs))[0]!.cap, 40);
  assertEquals(foundIn(foundResults(runs.slice(0, 2)))[0]!.cap, undefined);
});

Deno.test("several pools keep more together than the first that is full can hold", () => {
  const runs = [connections(1000, 128), connections(64, 64), connections(77, 65)];
  assertEquals(foundIn(foundResults(runs))[0]!.together, 128);
  // Answers that came after the next requests were sent leave open how many were busy at once.
  const blurred = [connections(1000, 128, { maxUs: 300_000 }), connections(64, 64), connections(77, 65)];
  assertEquals(foundIn(foundResults(blurred))[0]!.together, undefined);
});

Deno.test("more than half of the repetitions decide, and one that failed does not hold", () => {
  const runs = [at("small", "connections", 10, [together(10, 10), together(10, 10), { failed: "no" }])];
  const [found] = foundIn(foundResults(runs));
  assertEquals([found!.holds?.value, found!.holds?.why[0]?.figure], [10, "failed"]);
  const even = [at("small", "connections", 10, [together(10, 10), { failed: "no" }])];
  assertEquals(foundIn(foundResults(even))[0]!.holds, undefined);
});

Deno.test("a rate holds where every condition does, and it is told which broke", () => {
  const find = parseFind("rate", { connections: 9, slo: "p99<=200ms,errors<=1%" });
  const rate = (value: number, p99: number, timeout: number, late = 0) =>
    at("small", "ratePerSec", value, [{
      ...repetition(value, { opened: 0 }),
      latencyUs: { ...repetition(1).latencyUs, p99: p99 * 1000 },
      errors: { connect: 0, read: 0, write: 0, status: 0, timeout },
      arrivals: { due: 1000, unsent: 0, late },
    }]);
  const [found] = foundIn(
    foundResults([rate(100, 200, 10), rate(200, 201, 10), rate(400, 300, 11, 50)], find),
  );
  assertEquals([found!.holds?.value, found!.fails?.value], [100, 200]);
  assertEquals(found!.tried.map(({ why, late }) => [why, late]), [
    [[], 0],
    [[{ figure: "p99", was: 201, most: 200 }], 0],
    [[{ figure: "p99", was: 300, most: 200 }, { figure: "errors", was: 0.011, most: 0.01 }], 0.05],
  ]);
});

Deno.test("a document that is no bisection has found nothing", () => {
  assertEquals(foundIn(results([run("direct", [])])), []);
});

import { assertEquals } from "@std/assert";
import { curvesOf, isSwept, ratioAtSameValues } from "../../tools/verdict/sweep.ts";
import { repetition, results, run } from "../support/made_up_results.ts";
import { at, foundResults, opening, sweepResults } from "../support/made_up_sweep.ts";

Deno.test("each run of the scenario is a curve over the values, in their order", () => {
  const curves = curvesOf(sweepResults([
    at("direct", "connections", 100, [repetition(900)], { direct: true }),
    at("direct", "connections", 50, [repetition(500)], { direct: true }),
    at("small", "connections", 50, [opening(0), opening(0.5)]),
  ]));
  assertEquals(curves.map(({ label, name, hasGateway }) => [label, name, hasGateway]), [
    ["direct", "connections", false],
    ["small", "connections", true],
  ]);
  assertEquals(curves[0]!.points.map(({ value, servedPerSec }) => [value, servedPerSec!.estimate]), [
    [50, 500],
    [100, 900],
  ]);
  assertEquals(curves[1]!.points[0]!.shares, [0, 0.5]);
  assertEquals(curves[1]!.points[0]!.openedPerRequest!.estimate, 0.25);
});

Deno.test("in a grid, the first setting is the axis, and the others tell the curves apart", () => {
  const grid = [1, 2].flatMap((connections) =>
    [5, 9].map((latencyMs) => ({
      ...at("small", "connections", connections, [opening(0)]),
      name: `small ${connections} ${latencyMs}`,
      swept: [{ name: "connections", value: connections }, { name: "latencyMs", value: latencyMs }],
    }))
  );
  assertEquals(curvesOf(sweepResults(grid)).map(({ label, points }) => [label, points.length]), [
    ["small latency=5ms", 2],
    ["small latency=9ms", 2],
  ]);
});

Deno.test("a run is compared with the baseline at the same value, and a baseline with nothing", () => {
  const document = sweepResults([
    at("direct", "connections", 50, [repetition(100)], { direct: true }),
    at("direct", "connections", 100, [repetition(200)], { direct: true }),
    at("small", "connections", 50, [repetition(50, { opened: 0 })]),
    at("small", "connections", 100, [repetition(50, { opened: 0 })]),
    at("small", "connections", 200, [repetition(50, { opened: 0 })]),
  ]);
  assertEquals(document.runs.map((one) => ratioAtSameValues(one, document.runs)?.estimate), [
    ...[undefined, undefined, 0.5, 0.25, undefined],
  ]);
});

Deno.test("a baseline that lacks the setting is what every value is compared with", () => {
  const document = sweepResults([
    run("direct", [repetition(100)], null),
    at("small", "poolMaxIdlePerHost", 5, [repetition(50, { opened: 0 })]),
    at("small", "poolMaxIdlePerHost", 10, [repetition(80, { opened: 0 })]),
  ]);
  assertEquals(document.runs.map((one) => ratioAtSameValues(one, document.runs)?.estimate), [
    ...[undefined, 0.5, 0.8],
  ]);
});

Deno.test("neither a document without values nor a bisection is a sweep", () => {
  const swept = [at("small", "connections", 50, [opening(0)])];
  assertEquals(isSwept(sweepResults(swept)), true);
  assertEquals(isSwept(foundResults(swept)), false);
  assertEquals(isSwept(results([run("direct", [])])), false);
  assertEquals(curvesOf(results([run("direct", [])])), []);
});

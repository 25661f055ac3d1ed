import { assertEquals } from "@std/assert";
import { type Knee, kneeOf } from "../../tools/verdict/knee.ts";
import { curvesOf } from "../../tools/verdict/sweep.ts";
import { repetition } from "../support/made_up_results.ts";
import { at, opening, sweepResults } from "../support/made_up_sweep.ts";

/** The knee of a gateway that opened these shares, in each repetition at each value. */
function knee(
  shares: Readonly<Record<number, readonly number[]>>,
  name: "connections" | "poolMaxIdlePerHost" = "connections",
): Partial<Knee> | undefined {
  const runs = Object.entries(shares).map(([value, some]) =>
    at("small", name, Number(value), some.map((share) => opening(share)))
  );
  const [curve] = curvesOf(sweepResults(runs));
  return kneeOf(curve!);
}

Deno.test("the knee is the largest value below 1%, and lies before the next one, which is not", () => {
  assertEquals(knee({ 50: [0], 100: [0.0001], 200: [0.3], 400: [0.6] }), {
    label: "small",
    name: "connections",
    wanted: "largest",
    holds: 100,
    fails: 200,
    shareThere: 0.3,
    sure: 100,
    surelyNot: 200,
  });
});

Deno.test("repetitions that disagree widen the interval, to where all of them hold and none does", () => {
  const { holds, fails, sure, surelyNot } = knee({
    50: [0, 0, 0],
    100: [0, 0, 0.02],
    200: [0.3, 0, 0.3],
    400: [0.6, 0.6, 0.6],
  })!;
  assertEquals([holds, fails, sure, surelyNot], [100, 200, 50, 400]);
});

Deno.test("a value that holds above one that does not is luck", () => {
  assertEquals(knee({ 50: [0], 100: [0.5], 200: [0] })!.holds, 50);
});

Deno.test("a gateway that keeps its connections everywhere, or nowhere, has no knee among the values", () => {
  const all = knee({ 50: [0], 100: [0] })!;
  assertEquals([all.holds, all.fails, all.surelyNot], [100, undefined, undefined]);
  const none = knee({ 50: [1], 100: [1] })!;
  assertEquals([none.holds, none.fails, none.sure], [undefined, 50, undefined]);
});

Deno.test("of a setting that enlarges the pool, the knee is the smallest value that is enough", () => {
  const { wanted, holds, fails } = knee(
    { 10: [0.5], 100: [0.2], 500: [0], 1000: [0] },
    "poolMaxIdlePerHost",
  )!;
  assertEquals([wanted, holds, fails], ["smallest", 500, 100]);
});

Deno.test("connections that were opened all the same are told, where the load hardly shows the pool", () => {
  assertEquals(knee({ 50: [0], 100: [0.005], 200: [0.5] })!.openedThere, 40);
  assertEquals(knee({ 50: [0], 100: [0.0001], 200: [0.5] })!.openedThere, undefined);
});

Deno.test("a direct run has no knee, and neither has a single value", () => {
  assertEquals(knee({ 50: [0] }), undefined);
  const direct = [50, 100].map((value) =>
    at("direct", "connections", value, [repetition(9)], { direct: true })
  );
  assertEquals(kneeOf(curvesOf(sweepResults(direct))[0]!), undefined);
});

Deno.test("a value at which nothing was measured says nothing", () => {
  const { holds, fails } = knee({ 50: [0], 100: [], 200: [0.5] })!;
  assertEquals([holds, fails], [50, 200]);
});

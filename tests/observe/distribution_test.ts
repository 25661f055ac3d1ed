import { assertAlmostEquals, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { Tally } from "../../tools/observe/distribution.ts";

function distributionOf(values: readonly number[]) {
  const tally = new Tally();
  for (const value of values) tally.add(value);
  return tally.distribution();
}

Deno.test("nothing is spread over zeros", () => {
  assertEquals(distributionOf([]), { min: 0, p5: 0, p50: 0, p95: 0, max: 0, mean: 0, most: [] });
});

Deno.test("a distribution is what sorting all values gives: on random input", () => {
  const source = xoroshiro128plus(11);
  const draw = (below: number) => uniformInt(source, 0, below - 1);
  for (let i = 0; i < 500; i++) {
    const kinds = 1 + draw(40);
    const values = Array.from({ length: 1 + draw(300) }, () => draw(kinds));
    const { most, mean, ...spread } = distributionOf(values);
    const sorted = values.toSorted((a, b) => a - b);
    const rank = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
    assertEquals(spread, {
      min: sorted[0],
      p5: rank(0.05),
      p50: rank(0.5),
      p95: rank(0.95),
      max: sorted.at(-1),
    });
    assertAlmostEquals(mean, values.reduce((sum, value) => sum + value, 0) / values.length);
    const counts = Map.groupBy(values, (value) => value);
    assertEquals(most.length, Math.min(16, counts.size));
    for (const [at, { value, connections }] of most.entries()) {
      assertEquals(connections, counts.get(value)!.length);
      if (at > 0) assertLessOrEqual(connections, most[at - 1]!.connections);
    }
    // What is left out is no more frequent than what is named.
    const named = new Set(most.map(({ value }) => value));
    for (const [value, all] of counts) {
      if (!named.has(value)) assertGreaterOrEqual(most.at(-1)!.connections, all.length);
    }
  }
});

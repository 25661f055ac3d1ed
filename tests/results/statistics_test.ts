import { assertEquals, assertFalse } from "@std/assert";
import { areApart, spreadOf } from "../../tools/results/statistics.ts";

Deno.test("the median of an even number of values lies between the middle two", () => {
  assertEquals(spreadOf([4, 1, 3, 2]), { median: 2.5, lowest: 1, highest: 4, count: 4 });
  assertEquals(spreadOf([5]), { median: 5, lowest: 5, highest: 5, count: 1 });
  assertEquals(spreadOf([3, 1, 2])?.median, 2);
  assertEquals(spreadOf([]), undefined);
});

Deno.test("two spreads are apart only where no value of one lies within the other", () => {
  assertEquals(areApart(spreadOf([1, 2])!, spreadOf([3, 4])!), true);
  assertFalse(areApart(spreadOf([1, 3])!, spreadOf([2, 4])!));
  assertFalse(areApart(spreadOf([1])!, spreadOf([3])!));
});

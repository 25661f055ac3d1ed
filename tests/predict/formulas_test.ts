import { assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  batchChurn,
  busyConnections,
  erlangB,
  erlangC,
  erlangWaitSec,
  requestLimitChurn,
  smoothChurn,
} from "../../tools/predict/formulas.ts";

/** The stationary distribution of a chain that moves up by one and down by one, from its detailed balance. */
function birthDeath(up: (n: number) => number, down: (n: number) => number, states: number): number[] {
  const weights = [1];
  for (let n = 1; n < states; n++) weights.push(weights[n - 1]! * up(n - 1) / down(n));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

Deno.test("the formulas are those of their Markov chains", () => {
  // M/M/c/c: the state is the number of busy servers.
  const blocked = birthDeath(() => 8, (n) => n, 11).at(-1)!;
  assertAlmostEquals(erlangB(10, 8), blocked, 1e-12);
  // M/M/c: so many states that the rest is nothing.
  const waiting = birthDeath(() => 8, (n) => Math.min(n, 10), 1000);
  assertAlmostEquals(erlangC(10, 8), waiting.slice(10).reduce((sum, p) => sum + p, 0), 1e-9);
  const queue = waiting.reduce((sum, p, n) => sum + p * Math.max(0, n - 10), 0);
  assertAlmostEquals(erlangWaitSec(10, 8, 1), queue / 8, 1e-9);
  // The idle connections of a pool of 7, up and down with equal likelihood.
  assertAlmostEquals(smoothChurn(7), birthDeath(() => 1, () => 1, 8)[0]!, 1e-12);
});

Deno.test("the formulas at their edges", () => {
  assertEquals(erlangB(0, 5), 1);
  assertEquals(erlangC(10, 10), 1);
  assertEquals(erlangWaitSec(10, 10, 1), Infinity);
  assertEquals(batchChurn(100, 50), 0);
  assertEquals(batchChurn(0, 50), 1);
  assertEquals(requestLimitChurn(1), 1);
  assertAlmostEquals(busyConnections(12_000, 0.07), 840, 1e-9);
  assertLess(erlangB(10, 8), erlangC(10, 8));
  assertGreater(smoothChurn(0), 0.99);
});

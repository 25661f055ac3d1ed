/** When a gateway's CPU is said to be the limit. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { GatewayPlan } from "../../tools/scenario/plan.ts";
import { gatewayCpuOf } from "../../tools/verdict/gateway_cpu.ts";
import { pool, repetition, run } from "../support/made_up_results.ts";

const SECONDS = 8;

/**
 * A run whose gateway, load and backend used so many seconds of CPU in 8 s, with so much of the CPUs idle.
 */
function used(gateway: number, { idle = 0.3, plan = pool(100) }: { idle?: number; plan?: GatewayPlan } = {}) {
  const usage = (cpuSec: number) => ({ cpuSec, rssPeakBytes: 0 });
  const processes = { gateway: usage(gateway), load: usage(2), backend: usage(3), sampler: usage(0) };
  const machine = { others: 0, bench: 0.6, interrupts: 0.1, idle, steal: 0, loadAverageBefore: 0 };
  const more = { processes, machine, durationSec: SECONDS, requests: 10_000 };
  return run(
    "a",
    [repetition(1_250, { opened: 0 }), repetition(1_250, { opened: 0 })].map((one) => ({
      ...one,
      ...more,
    })),
    plan,
  );
}

const COMMAND: GatewayPlan = { command: "./gateway {listen}" };

Deno.test("the CPU of a gateway of ours is its limit where its one thread is busy nearly all the time", () => {
  assertEquals([7, 7.3, 9].map((sec) => gatewayCpuOf(used(sec))!.limits), [false, true, true]);
});

Deno.test("another gateway's CPU is its limit where all CPUs are full and nobody used as much of them", () => {
  const limits = (sec: number, idle: number) => gatewayCpuOf(used(sec, { idle, plan: COMMAND }))!.limits;
  assertEquals([limits(9, 0.3), limits(9, 0.01), limits(2.9, 0.01)], [false, true, false]);
});

Deno.test("CPU a request is that of the gateway alone", () => {
  assertAlmostEquals(gatewayCpuOf(used(1))!.perRequestUs.estimate, 100);
});

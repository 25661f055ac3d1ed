import { assert, assertEquals, assertThrows } from "@std/assert";
import { localMachine } from "../../tools/lab/host.ts";
import { machineUse, parseCpuTimes, readMachine } from "../../tools/observe/machine.ts";

Deno.test("the machine's CPU time is that of the line for all CPUs", () => {
  const stat = "cpu  1000 100 400 5000 50 30 20 200 900 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
  assertEquals(parseCpuTimes(stat), { processes: 15, interrupts: 0.5, idle: 50.5, steal: 2 });
  assertThrows(() => parseCpuTimes("cpu0 1 2 3"), Error, "/proc/stat");
});

Deno.test("what processes used and the bench did not is others'", () => {
  const before = { cpu: { processes: 10, interrupts: 1, idle: 100, steal: 0 }, loadAverage: 0.25 };
  const after = { cpu: { processes: 16, interrupts: 2, idle: 102, steal: 1 }, loadAverage: 3 };
  assertEquals(machineUse(before, after, 4), {
    others: 0.2,
    bench: 0.4,
    interrupts: 0.1,
    idle: 0.2,
    steal: 0.1,
    loadAverageBefore: 0.25,
  });
  assertEquals(machineUse(before, after, 99).others, 0, "clocks of different steps do not make it negative");
});

Deno.test("this machine can be read", async () => {
  await using machine = localMachine();
  const { cpu, loadAverage } = await readMachine(machine);
  assert(cpu.processes > 0 && loadAverage >= 0);
});

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { openLab } from "../../tools/lab/open_lab.ts";
import {
  parseRssPeakBytes,
  parseStats,
  readProcessUsage,
  usageSince,
} from "../../tools/observe/process_usage.ts";
import { until } from "../support/until.ts";

Deno.test("a process name may hold spaces, parentheses and line ends", () => {
  const rest = "S 1 77 77 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 1 0 100 1 1\n";
  const text = `10 (sh) ${rest}11 (a b) ) (\nc) ${rest}`;
  assertEquals(parseStats(text), [
    { pid: 10, group: 77, cpuTicks: 110 },
    { pid: 11, group: 77, cpuTicks: 110 },
  ]);
  assertEquals(parseStats("garbage"), []);
});

Deno.test("peak memory is that of VmHWM, and a kernel thread has none", () => {
  assertEquals(parseRssPeakBytes("Name:\tsh\nVmHWM:\t    1024 kB\nVmRSS:\t 12 kB\n"), 1024 * 1024);
  assertEquals(parseRssPeakBytes("Name:\tkthreadd\n"), 0);
});

Deno.test("a busy process and its children count together", async () => {
  await using lab = await openLab("host");
  const busy = "while :; do :; done";
  const argv = ["sh", "-c", `(${busy}) & (${busy}) & wait`];
  await using process = await lab.client.start({ name: "busy", argv });
  const read = async () => (await readProcessUsage(lab.client, { busy: process.processGroup })).busy;
  await until(async () => (await read()).cpuSec > 0.1);
  assertGreater((await read()).rssPeakBytes, 100_000);
});

Deno.test("a group that is no more has used nothing, and a party that there is not has no usage", async () => {
  await using lab = await openLab("host");
  const usage = await readProcessUsage(lab.client, { gone: 2 ** 22 + 1, gateway: undefined });
  assertEquals(usage, { gone: { cpuSec: 0, rssPeakBytes: 0 }, gateway: null });
});

Deno.test("each party is charged for its own processes, in whatever order they are named", async () => {
  await using lab = await openLab("host");
  const start = (script: string) => lab.client.start({ name: script, argv: ["sh", "-c", script] });
  await using busy = await start("while :; do :; done");
  await using idle = await start("sleep 1000; :");
  const groups = { idle: idle.processGroup, busy: busy.processGroup };
  await until(async () => (await readProcessUsage(lab.client, groups)).busy.cpuSec > 0.1);
  const usage = await readProcessUsage(lab.client, { busy: groups.busy, idle: groups.idle });
  assertGreater(usage.busy.cpuSec, 0.1);
  assertLess(usage.idle.cpuSec, 0.1);
});

Deno.test("what was used since is told by name: a party that has begun since counts from its beginning", () => {
  const used = (cpuSec: number, rssPeakBytes = 1) => ({ cpuSec, rssPeakBytes });
  const later = { backend: used(3.0004), gateway: null, load: used(2, 9) };
  assertEquals(usageSince({ backend: used(1), gateway: null }, later), {
    backend: used(2),
    gateway: null,
    load: used(2, 9),
  });
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import { openLab } from "../../tools/lab/open_lab.ts";
import {
  parseSample,
  readCounters,
  type Sample,
  SAMPLE_INTERVAL_MS,
  startSampler,
} from "../../tools/observe/sampler.ts";
import { until } from "../support/until.ts";
import { privateLab } from "../support/requirements.ts";

Deno.test("a line of the sampler holds three figures for each host", () => {
  const sample = parseSample("12.34 1 2 3 4 5 6 7 8 9");
  assertEquals(sample.timeMs, 12_340);
  assertEquals(sample.hosts.gateway, { timeWait: 4, established: 5, connectionsOpened: 6 });
  for (const bad of ["", "1 2 3", "1.0 1 2 3 4 5 6 7 8 x", "1.0  2 3 4 5 6 7 8 9", "bash: error"]) {
    assertThrows(() => parseSample(bad), Error, "no sample");
  }
});

Deno.test({
  name: "samples see the TIME_WAIT of a closed connection, and agree with the kernel's counters",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    const seen: Sample[] = [];
    await using sampler = await startSampler(lab, (sample) => seen.push(sample));
    assertEquals(seen.length, 1);
    const { address } = lab.backend;
    const listen =
      `for await (const c of Deno.listen({ hostname: "${address}", port: 9000 })) c.closeWrite()`;
    await using _server = await lab.backend.start({
      name: "server",
      argv: [Deno.execPath(), "eval", listen],
    });
    const connect = `
      for (;;) try { using c = await Deno.connect({ hostname: "${address}", port: 9000 });
        await c.read(new Uint8Array(1)); break; } catch { await new Promise((r) => setTimeout(r, 20)); }`;
    await using client = await lab.client.start({
      name: "client",
      argv: [Deno.execPath(), "eval", connect],
    });
    await client.exited;
    await until(() => seen.some(({ hosts }) => hosts.backend.timeWait === 1));
    const samples = await sampler.finish();
    const counters = await readCounters(lab);
    assertEquals(counters.backend.timeWaitEntered, 1);
    assertEquals(samples.at(-1)!.hosts.client.connectionsOpened, counters.client.connectionsOpened);
    assertEquals(counters.gateway.connectionsOpened, 0);
  },
});

Deno.test({
  name: "samples come in the order of time, no more often than asked",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    await using sampler = await startSampler(lab, () => {});
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const samples = await sampler.finish();
    const steps = samples.slice(1, -1).map(({ timeMs }, i) => timeMs - samples[i]!.timeMs);
    assert(steps.length > 0);
    // The clock of the kernel that times them has steps of 10 ms.
    assert(steps.every((ms) => ms >= SAMPLE_INTERVAL_MS - 10), String(steps));
  },
});

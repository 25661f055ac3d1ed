import { assert, assertEquals, assertThrows } from "@std/assert";
import { UnavailableError } from "../../tools/errors.ts";
import { findCommand } from "../../tools/lab/find_command.ts";
import { localMachine } from "../../tools/lab/host.ts";
import {
  type HostStream,
  middleOf,
  mostApart,
  overlay,
  parseHostSample,
} from "../../tools/observe/overlay.ts";
import { readCounters } from "../../tools/observe/sampler.ts";
import SAMPLE_HOST from "../../tools/observe/sample_host.sh" with { type: "text" };
import { openLab } from "../../tools/lab/open_lab.ts";
import { allShells, SHELLS } from "../support/shells.ts";
import { until } from "../support/until.ts";

/** A course that all hosts saw at the same true times, as a host whose clock is off by so much tells it. */
function streamOf(
  name: HostStream["name"],
  { offsetMs, errorMs = 0, startMs = 0 }: { offsetMs: number; errorMs?: number; startMs?: number },
): HostStream {
  const samples = Array.from({ length: 50 }, (_, i) => {
    const atMs = startMs + i * 100;
    return { upMs: atMs - offsetMs, timeWait: atMs, established: 2, connectionsOpened: atMs };
  });
  return { name, clock: { offsetMs, errorMs }, samples };
}

Deno.test("series of hosts that were started at other times are laid over each other", () => {
  const samples = overlay([
    streamOf("client", { offsetMs: -7_000_000, startMs: 30 }),
    streamOf("client", { offsetMs: 123_456, startMs: 60 }),
    streamOf("gateway", { offsetMs: 5_000 }),
  ], 1_000);
  assertEquals(samples[0]!.timeMs, 0);
  assertEquals(samples.length, 40);
  for (const { timeMs, hosts } of samples) {
    assertEquals(hosts.gateway.timeWait, 1_000 + timeMs);
    // Two clients are added up. Each was sampled within 50 ms of the gateway's sample.
    assert(Math.abs(hosts.client.timeWait - 2 * hosts.gateway.timeWait) <= 100, String(timeMs));
    assertEquals(hosts.client.established, 4);
    assertEquals(hosts.backend, { timeWait: 0, established: 0, connectionsOpened: 0 });
  }
});

Deno.test("where the gateway is not watched the times are the first client's", () => {
  const [first] = overlay([streamOf("client", { offsetMs: 9 }), streamOf("backend", { offsetMs: -9 })], 450);
  assertEquals(first!.hosts.client.timeWait, 400);
  assertEquals(first!.hosts.backend.timeWait, 400);
});

Deno.test("a clock that is not known within 500 ms is refused, also by what it has drifted", () => {
  const steady = { offsetMs: 100, errorMs: 20 };
  assertEquals(middleOf(steady, steady), steady);
  const drifted = middleOf(steady, { offsetMs: 160, errorMs: 30 });
  assertEquals(drifted, { offsetMs: 130, errorMs: 60 });
  assertEquals(mostApart([steady, drifted, { offsetMs: 0, errorMs: 10 }]), 80);
  overlay([streamOf("client", { offsetMs: 0, errorMs: 500 })], 0);
  const { errorMs } = middleOf(steady, { offsetMs: 1_100, errorMs: 20 });
  assertThrows(
    () => overlay([streamOf("gateway", { offsetMs: 0, errorMs })], 0),
    UnavailableError,
    "the clock of the gateway's host is known to 520 ms only",
  );
});

Deno.test("a line that is no sample is refused", () => {
  assertEquals(parseHostSample("12.34 1 2 3"), {
    upMs: 12_340,
    timeWait: 1,
    established: 2,
    connectionsOpened: 3,
  });
  for (const bad of ["", "1.0 1 2", "1.0 1 2 x", "sh: error", "1 1 2 3"]) {
    assertThrows(() => parseHostSample(bad), Error, "no sample");
  }
});

for (const shell of SHELLS) {
  Deno.test(
    `${shell}: the sampler sees what the kernel counts, and ends with its input`,
    allShells,
    async () => {
      await using lab = await openLab("host");
      await using machine = localMachine();
      const lines: string[] = [];
      const program = shell === "busybox" ? [findCommand("busybox"), "sh"] : [findCommand(shell)];
      const sampler = await machine.start({
        name: "the sampler",
        argv: [...program, "-c", SAMPLE_HOST, "sampler", "0.1", "5"],
        onStdout: (line) => lines.push(line),
      });
      await until(() => lines.length >= 1);
      const before = await readCounters(lab);
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      for (let i = 0; i < 5; i++) {
        using _client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
        using _server = await listener.accept();
      }
      await until(() => lines.length >= 6);
      await sampler.closeInput();
      assertEquals((await sampler.exited).code, 0);
      const samples = lines.map(parseHostSample);
      const last = samples.at(-1)!;
      assert(last.connectionsOpened >= before.client.connectionsOpened + 5);
      assert(samples.every(({ upMs }, i) => i === 0 || upMs >= samples[i - 1]!.upMs));
      const after = await readCounters(lab);
      assert(last.connectionsOpened <= after.client.connectionsOpened);
    },
  );
}

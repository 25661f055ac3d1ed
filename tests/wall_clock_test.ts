/**
 * The wall clock jumps: by ntpd, by a person, when a laptop wakes. What is measured or waited for goes by one
 * that does not.
 */

import { sourcePermission } from "../tools/paths.ts";
import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { isMeasured, type Results } from "../tools/results/results.ts";
import { makeFakeClock } from "./support/fake_clock.ts";
import { fakeClock, wrkInPrivateLab } from "./support/requirements.ts";
import { until } from "./support/until.ts";
import { ROOT } from "./support/root.ts";

/**
 * The backend's answers have a `Date`. One looks whether the clock jumps; in shell there is no other clock
 * for microseconds, and a repetition in which it jumps is lost.
 */
const MAY = ["answers.ts", "checkout.ts", "clock_check.ts", "connect_probe.sh"];

Deno.test("no tool measures by the wall clock", async () => {
  const uses: string[] = [];
  const look = async (directory: URL) => {
    for await (const entry of Deno.readDir(directory)) {
      const url = new URL(entry.name, directory);
      if (entry.isDirectory) await look(new URL(`${entry.name}/`, directory));
      else if (
        /Date\.now\(|new Date\(\)\.get|\$\{?(EPOCH\w*|SECONDS)|\$\(date/.test(await Deno.readTextFile(url))
      ) {
        uses.push(entry.name);
      }
    }
  };
  await look(new URL("../tools/", import.meta.url));
  assertEquals(uses.sort(), MAY);
});

Deno.test({
  name: "a clock that is set while a load runs costs that repetition, which says so; the next is as ever",
  ignore: fakeClock.ignore || wrkInPrivateLab.ignore,
  async fn() {
    await using clock = await makeFakeClock();
    const json = await Deno.makeTempFile();
    const bench = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--cached-only",
        "--allow-run",
        "--allow-read",
        "--allow-write",
        "--allow-env",
      ]
        .concat(
          [
            "--allow-sys",
            `${ROOT}tools/bench.ts`,
            "--lab",
            "private",
            "--connections",
            "20",
            "--latency",
            "10ms",
          ],
          ["--warm-up", "0", "--duration", "2s", "--repeat", "1", "--json", json],
        ),
      env: { ...clock.env, NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const said = new Response(bench.stderr).text();
    try {
      const seen = new Set<number>();
      for (const seconds of [3600, -3600]) {
        await until(async () => {
          const started = (await wrksOf(bench.pid)).find((pid) => !seen.has(pid));
          if (started !== undefined) seen.add(started);
          return started !== undefined;
        }, 20_000);
        await clock.set(seconds);
      }
      // Its exit code is not looked at: libfaketime now and then makes a process with threads crash while it
      // ends.
      await bench.status;
      const { runs }: Results = JSON.parse(await Deno.readTextFile(json));
      const repetitions = runs.map((run) => run.repetitions[0]!);
      const failures = repetitions.flatMap((one) => isMeasured(one) ? [] : [one.failed]).sort();
      const message = (step: string) =>
        `the clock of this machine was set ${step} s while the load ran, and the load generator measures by it`;
      assertEquals(failures, [message("back by 7200.0"), message("forward by 3600.0")], await said);
      const [measured] = repetitions.filter(isMeasured);
      assert(measured !== undefined && measured.requests > 0);
      assertLess(Math.abs(measured.durationSec - 2), 0.5);
      assertLess(Math.abs(measured.samples.timeMs.at(-1)! - 2_000), 1_000);
      assertLess(measured.latencyUs.max, 2_000_000);
    } finally {
      await Deno.remove(json);
    }
  },
});

const POOLS = {
  "http-client": ["--pool-idle-timeout"],
  "net-http": ["--workers", "1", "--idle-conn-timeout"],
};

Deno.test({
  name: "an idle connection is kept and closed by the time that passes, whatever the clock is set to",
  ...fakeClock,
  async fn() {
    await Promise.all(
      Object.entries(POOLS).flatMap(([transport, flags]) => [
        keepsThroughJumps(transport, flags),
        closesThroughJumpBack(transport, flags),
      ]),
    );
  },
});

async function keepsThroughJumps(transport: string, flags: readonly string[]): Promise<void> {
  await using clock = await makeFakeClock();
  await using backend = startBackend();
  await using gateway = await startGateway(transport, [...flags, "60s"], backend.url, clock.env);
  await gateway.request();
  for (const seconds of [3600, -3600]) {
    await clock.set(seconds);
    await gateway.request();
  }
  const [first, ...rest] = backend.ports;
  assertEquals(rest, [first, first], `${transport}: a jump closed it`);
}

async function closesThroughJumpBack(transport: string, flags: readonly string[]): Promise<void> {
  await using clock = await makeFakeClock();
  await using backend = startBackend();
  await using gateway = await startGateway(transport, [...flags, "1s"], backend.url, clock.env);
  await gateway.request();
  await clock.set(-3600);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await gateway.request();
  const [first, second] = backend.ports;
  assertNotEquals(first, second, `${transport}: a jump back kept it`);
}

/** A backend that notes the port at the other end of each request. */
function startBackend(): AsyncDisposable & { url: string; ports: readonly number[] } {
  const ports: number[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (_, { remoteAddr }) => {
    ports.push((remoteAddr as Deno.NetAddr).port);
    return new Response("ok");
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, ports, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function startGateway(
  transport: string,
  flags: readonly string[],
  upstream: string,
  env: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { request(): Promise<void> }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--cached-only",
      "--unstable-net",
      "--allow-net",
      sourcePermission().flag,
    ].concat(
      [
        `${ROOT}tools/gateway.ts`,
        "--transport",
        transport,
        "--upstream",
        upstream,
        "--listen",
        "127.0.0.1:0",
      ],
      [...flags],
    ),
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await lines.read();
  return {
    request: async () => void await (await fetch(/http:\S+/.exec(value)![0])).text(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await lines.cancel();
      await child.status;
    },
  };
}

/** The wrk processes that a bench has started. */
async function wrksOf(bench: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid=,comm=,args="] }).output();
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.trim().split(/\s+/));
  const isOf = (pid: string): boolean => {
    const parent = rows.find(([other]) => other === pid)?.[1];
    return parent !== undefined && (parent === String(bench) || isOf(parent));
  };
  // One that is only asked for its version is no load.
  const isLoad = ([pid, , command, ...args]: string[]) =>
    command === "wrk" && args.includes("-d") && isOf(pid!);
  return rows.filter(isLoad).map(([pid]) => Number(pid));
}

/** Runs may differ in anything that a scenario can say: measured once, briefly. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { isMeasured, type Measured, type Results } from "../../tools/results/results.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";

const SCENARIO = `
import type { Scenario } from "timewait";
export default {
  question: "What may a run differ in?",
  load: { connections: 10, warmUp: 0, duration: "1s" },
  backend: { latency: "20ms" },
  runs: [
    { name: "direct" },
    { name: "load", load: { connections: 30, threads: 1, headers: ["X: y"], script: "post.lua" } },
    { name: "backend", backend: { status: 404, bodyBytes: "1KiB" } },
    { name: "http-client", gateway: { poolMaxIdlePerHost: 0 } },
    { name: "net-http", gateway: { transport: "net-http", maxIdleConnsPerHost: 10, workers: 1 }, probeConnects: true },
    { name: "knobs", gateway: {}, sysctls: { "net.ipv4.tcp_tw_reuse": 1, "backend:net.core.somaxconn": 77 } },
    { name: "side", gateway: {}, loopback: true },
  ],
} satisfies Scenario;
`;

async function bench(cwd: string, ...args: string[]): Promise<Results> {
  const permissions = ["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", ...permissions, `${ROOT}tools/bench.ts`, ...args]
      .concat("--repeat", "1", "--lab", "private", "--json", "-"),
    cwd,
    // The task that runs the tests says where the person typed; here that is `cwd`.
    env: { INIT_CWD: "." },
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

function measured(results: Results, name: string): Measured {
  const repetition = results.runs.find((run) => run.name === name)?.repetitions[0];
  assert(repetition !== undefined && isMeasured(repetition), `${name} was not measured`);
  return repetition;
}

Deno.test({
  name: "runs differ in load, backend, gateway, knobs and side of the lab, each beside the others",
  ...wrkInPrivateLab,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/mine.ts`, SCENARIO);
      await Deno.copyFile(`${ROOT}scenarios/peers/post.lua`, `${folder}/post.lua`);
      const results = await bench(folder, "./mine.ts");
      assertEquals(results.scenario, "mine");
      const of = (name: string) => measured(results, name);
      // wrk looks whether it can connect before it opens what it was asked for.
      assertEquals(of("direct").hosts.client.connectionsOpened, 11);
      assertEquals(of("load").hosts.client.connectionsOpened, 31);
      assertEquals([of("direct").errors.status, of("direct").requests > 0], [0, true]);
      assertGreater(of("backend").errors.status, 0);
      assertGreater(of("http-client").hosts.gateway!.connectionsOpened, of("http-client").requests / 2);
      assertGreater(of("net-http").pool!.idlePeak, 0);
      assertGreater(of("net-http").connects!.connectUs.length, 0);
      assertEquals(of("knobs").knobs!.map(({ host, key, inForce }) => [host, key, inForce]).sort(), [
        ["backend", "net.core.somaxconn", "77"],
        ["gateway", "net.ipv4.tcp_tw_reuse", "1"],
      ]);
      assertEquals(results.runs.map((run) => run.options.loopback ?? false).filter(Boolean).length, 1);
      assertGreater(of("side").requests, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "another gateway is asked the question of a scenario under its name, with its knobs and its side",
  ignore: wrkInPrivateLab.ignore || peers.ignore,
  async fn() {
    const go =
      "mine=scenarios/peers/start.sh go {listen_host} {listen_port} {upstream_host} {upstream_port} 2";
    const results = await bench(
      ROOT,
      "port_exhaustion",
      "--gateway",
      go,
      "--duration",
      "1s",
      "--connections",
      "20",
    );
    assertEquals(results.runs.map(({ name }) => name), ["mine-reuse-0", "mine-reuse-1"]);
    const inForce = (name: string) => measured(results, name).knobs!.map(({ inForce }) => inForce).sort();
    assertEquals([inForce("mine-reuse-0"), inForce("mine-reuse-1")], [["0", "20000 22999"], [
      "1",
      "20000 22999",
    ]]);
    assertGreater(measured(results, "mine-reuse-0").hosts.gateway!.connectionsOpened, 20);
    assertMatch(
      results.command,
      /^deno task bench port_exhaustion --gateway 'mine=[^']* 2' --duration 1s --connections 20 /,
    );
    assert(!results.command.includes("--json"), results.command);
  },
});

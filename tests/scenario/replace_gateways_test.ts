import { assertEquals } from "@std/assert";
import exhaustion from "../../scenarios/port_exhaustion.ts";
import undersized from "../../scenarios/undersized_pool.ts";
import { replaceGateways } from "../../tools/scenario/replace_gateways.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";

const mine = (command: string, name?: string) => ({ name, gateway: { command } });

Deno.test("without other gateways the scenario keeps its own", () => {
  assertEquals(replaceGateways(undersized, []), undersized);
});

Deno.test("other gateways are measured beside what goes straight at the backend, each once", () => {
  const gateways = [
    { gateway: { transport: "net-http" as const } },
    mine("/opt/mine {listen}"),
    mine("./mine {listen}"),
  ];
  const { runs, baseline } = replaceGateways(undersized, gateways);
  assertEquals(runs.map((run) => run.name), ["direct", "net-http", "mine", "mine-2"]);
  assertEquals(baseline, "direct");
});

Deno.test("a gateway that takes the place of another keeps the knobs and the name of what it stands for", () => {
  const scenario = replaceGateways(exhaustion, [mine("./gw {listen}", "mine")]);
  const { runs } = resolveScenario(scenario, "port_exhaustion");
  const reuse = (i: number) => runs[i]!.options.sysctls!["net.ipv4.tcp_tw_reuse"];
  assertEquals(runs.map((run) => run.name), ["mine-reuse-0", "mine-reuse-1"]);
  assertEquals([reuse(0), reuse(1)], ["0", "1"]);
  assertEquals(runs.map((run) => run.options.sysctls!["net.ipv4.ip_local_port_range"]), [
    "20000 22999",
    "20000 22999",
  ]);
  assertEquals(runs.map((run) => run.baseline), [true, false]);
  assertEquals(runs.map((run) => run.options.gateway), [{ command: "./gw {listen}" }, {
    command: "./gw {listen}",
  }]);
});

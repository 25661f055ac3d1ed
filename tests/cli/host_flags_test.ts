import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { HOST_FLAGS, placesOf, scenarioOfHosts } from "../../tools/cli/host_flags.ts";
import { parseFlags } from "../../tools/cli/parse_flags.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";

const given = (...args: string[]) => placesOf(parseFlags({ name: "bench", flags: HOST_FLAGS }, args).options);

Deno.test("each machine is a party with a prefix, and several clients share the load", () => {
  const { hosts, url } = given(
    ...[
      "--host",
      "client=ssh load1",
      "--host=client=ssh -p 2222 load2",
      "--host",
      "gateway=podman exec -i gw",
    ],
    ...["--url", "http://gw1:8080"],
  );
  assertEquals(hosts, { client: ["ssh load1", "ssh -p 2222 load2"], gateway: "podman exec -i gw" });
  assertEquals(url, "http://gw1:8080/");
  // An empty prefix is this machine.
  assertEquals(given("--host", "client=").hosts, { client: [""] });
  assertEquals(given(), { url: undefined, backendUrl: undefined });
});

Deno.test("a machine that cannot be understood is refused with what to type", () => {
  const refused: [string[], string][] = [
    [["--host", "ssh load1"], "--host takes PARTY=PREFIX such as client='ssh load1'"],
    [["--host", "clinet=ssh load1"], "did you mean client?"],
    [["--host", "gateway=a", "--host", "gateway=b"], "takes one gateway, and several clients"],
    [["--url", "gw1:8080"], "--url takes a URL such as http://gw1:8080/"],
  ];
  for (const [args, message] of refused) {
    const error = assertThrows(() => given(...args), TimewaitError);
    assertEquals(error.message.includes(message), true, error.message);
  }
});

Deno.test("without a scenario the gateway that runs there is measured", () => {
  const places = given("--host", "client=ssh load1", "--url", "http://gw1:8080/");
  const { name, scenario } = scenarioOfHosts(places);
  const [run, ...others] = resolveScenario(scenario, name).runs;
  assertEquals(others, []);
  assertEquals([run!.name, run!.options.gateway, run!.options.backend.running], [
    "gateway",
    { running: true },
    true,
  ]);
});

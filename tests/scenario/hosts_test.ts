import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { loadScenario } from "../../tools/scenario/load_scenario.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import type { Scenario } from "../../tools/scenario/scenario.ts";

const THERE: Scenario = {
  question: "Why?",
  hosts: { client: ["ssh load1", "ssh load2"], gateway: "ssh gw1", backend: "kubectl exec -i be-0 --" },
  url: "http://gw1:8080/path?x",
  backendUrl: "http://10.0.0.3:8081",
  runs: [
    { name: "direct" },
    { name: "old", gateway: { running: true } },
    { name: "new", gateway: { running: true }, url: "http://gw1:8090" },
    { name: "ours", gateway: { command: "haproxy {listen} {upstream}" } },
  ],
};

Deno.test("a scenario says which machines, and where on them each load goes", () => {
  const { hosts, runs } = resolveScenario(THERE, "there");
  assertEquals(hosts, THERE.hosts);
  assertEquals(runs.map(({ options }) => options.url), [
    "http://10.0.0.3:8081/",
    "http://gw1:8080/path?x",
    "http://gw1:8090/",
    "http://gw1:8080/path?x",
  ]);
  assertEquals(runs.map(({ options }) => options.backendUrl), Array(4).fill("http://10.0.0.3:8081/"));
  // Nothing was said of the backend: it runs there already.
  assertEquals(runs.map(({ options }) => options.backend.running), Array(4).fill(true));
  assertEquals(runs[1]!.options.gateway, { running: true });
  assertEquals(resolveScenario(only({}, { hosts: { client: "" } }), "here").hosts, { client: [""] });
  assertEquals(resolveScenario(only({}, { hosts: {} }), "here").hosts, { client: [""] });
});

Deno.test("a backend of which something is said is started there", () => {
  const ours = resolveScenario({ ...THERE, backend: { latency: "5ms" } }, "there");
  assertEquals(ours.runs[0]!.options.backend.running, undefined);
  const given = resolveScenario(THERE, "there", { backend: { command: "nginx {listen}" } });
  assertEquals(given.runs[0]!.options.backend.command, "nginx {listen}");
  const back = resolveScenario({ ...THERE, backend: { latency: "5ms" } }, "there", {
    backend: { running: true },
  });
  assertEquals(back.runs[0]!.options.backend.running, true);
});

Deno.test("without hosts nothing changes, and what needs them is refused", () => {
  const plan = resolveScenario({ question: "Why?", runs: [{ name: "direct" }] }, "here");
  assertEquals("hosts" in plan || "url" in plan.runs[0]!.options, false);
});

const only = (run: object, more: object = {}): Scenario =>
  ({ ...THERE, runs: [{ name: "one", ...run }], ...more }) as Scenario;
const NO_GATEWAY = { client: "ssh load1", backend: "ssh be1" };
const NO_BACKEND = { client: "ssh load1", gateway: "ssh gw1" };

const REFUSED: [what: string, scenario: Scenario, message: string][] = [
  ["an empty list of clients", { ...THERE, hosts: { client: [] } }, "hosts needs a client"],
  ["a misspelt host", { ...THERE, hosts: { client: "a", gatway: "b" } as never }, "did you mean gateway?"],
  [
    "a prefix that is no text",
    { ...THERE, hosts: { client: [42] } as never },
    "hosts.client[0] must be text, not 42",
  ],
  ["a prefix of two lines", { ...THERE, hosts: { client: "a\nb" } }, "hosts.client[0] must be one line"],
  [
    "no url",
    only({ gateway: { running: true } }, { url: undefined }),
    "url is needed: where is the gateway reached",
  ],
  ["https", { ...THERE, url: "https://gw1/" }, "url takes a URL such as http://gw1:8080/, not"],
  ["a url of a run that is none", only({ url: "gw1:8080" }), "runs[0].url takes a URL"],
  [
    "a direct load without an address",
    only({}, { backendUrl: undefined }),
    "backendUrl is needed: where does the load go",
  ],
  [
    "a gateway to be started nowhere",
    only({ gateway: { command: "x {listen}" } }, { hosts: NO_GATEWAY }),
    "runs[0].gateway is to be started, and no host is given for it: give hosts.gateway",
  ],
  [
    "a gateway without an upstream",
    only({ gateway: { command: "x {listen} {upstream}" } }, { backendUrl: undefined }),
    "backendUrl is needed: where is the backend that the gateway forwards to?",
  ],
  [
    "a backend to be started nowhere",
    only({}, { hosts: NO_BACKEND, backend: { latency: 1 } }),
    "backend is to be started, and no host is given for it: give hosts.backend, or leave it out",
  ],
  [
    "knobs",
    { ...THERE, sysctls: { "net.ipv4.tcp_tw_reuse": 0 } },
    "sysctls cannot be set on hosts that are given",
  ],
  ["loopback", only({ loopback: true }), "runs[0].loopback is for a lab of our own"],
  [
    "a probe",
    only({ gateway: { running: true } }, { probeConnects: true }),
    "probeConnects is for a lab of our own",
  ],
  ["several backends", { ...THERE, backends: 2 }, "backends is one beside hosts"],
  [
    "what runs, with options",
    only({ gateway: { running: true, workers: 2 } }),
    "runs[0].gateway.workers is for what is started",
  ],
  [
    "what does not run",
    only({ gateway: { running: false } }),
    "runs[0].gateway.running takes true, not false",
  ],
  [
    "a running gateway without hosts",
    only({ gateway: { running: true } }, { hosts: undefined }),
    "runs already, on a host that is given: give hosts",
  ],
  ["a url without hosts", only({}, { hosts: undefined }), "url is for hosts that are given"],
];

for (const [what, scenario, message] of REFUSED) {
  Deno.test(`hosts: ${what}: refused`, () => {
    const error = assertThrows(() => resolveScenario(scenario, "there"), TimewaitError);
    assertEquals(error.message.includes(message), true, error.message);
  });
}

Deno.test("machines of the command line take the place of a scenario's own, before it is checked", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `export default { question: "Why?", runs: [{ name: "one", gateway: { running: true } }], url: "http://old/" };`,
  );
  const places = { hosts: { client: "ssh load1" }, url: "http://gw1:8080/", backendUrl: undefined };
  const { scenario } = await loadScenario(file, places);
  assertEquals([scenario.hosts, scenario.url], [places.hosts, places.url]);
  await Deno.remove(file);
});

import { assert, assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import * as timewait from "../mod.ts";

/** Each name is a promise. One more is a decision: it goes in here, and into the README. */
const FUNCTIONS_AND_CLASSES = [
  "TimewaitError",
  "checkGates",
  "parseGate",
  "readResults",
  "renderComparison",
  "renderReport",
  "runScenario",
  "startBackend",
  "startGateway",
  "startLab",
  "writeResults",
];

const TYPES = [
  ...["Backend", "BackendOptions", "BenchProgress", "ClockOffset", "CommandGateway", "Dollar"],
  ...[
    "Duration",
    "ExistingBackend",
    "ExistingGateway",
    "ExitStatus",
    "FarEnd",
    "Gate",
    "GateCheck",
    "GateVerdict",
  ],
  ...["GatedRun", "Gateway", "GatewayOptions", "GatewayPlace", "GatewayServerOptions", "Host", "Hosts"],
  ...["HttpClientGateway", "LabKind", "LabParty", "ListenAddress", "Load", "LoadGenerator"],
  ...["LoadResult", "LoadSummary", "LocalHost", "LocalLabKind", "Measured", "NamedResults"],
  ...["NetHttpGateway", "PlotFile", "ProcessOptions", "Progress", "ProxyCounters", "Pushed"],
  ...["RemoteHost", "RemoteLab", "Repetition", "Results", "Run", "RunLoadOptions"],
  ...[
    "RunScenarioOptions",
    "RunningBackend",
    "RunningGateway",
    "RunningProcess",
    "RunningServer",
    "RunningTransport",
  ],
  ...["Scenario", "ScriptLab", "Size", "StartGatewayOptions", "StartLabOptions", "StartRemoteLabOptions"],
  ...["Sweep", "Sysctls", "TimewaitErrorOptions", "UntilPlan"],
];

Deno.test("mod.ts exports eleven functions and classes, by name", () => {
  assertEquals(Object.keys(timewait).sort(), FUNCTIONS_AND_CLASSES);
  assert(FUNCTIONS_AND_CLASSES.length <= 15);
});

Deno.test("mod.ts exports the types of these, and no others", async () => {
  const source = await Deno.readTextFile(new URL("../mod.ts", import.meta.url));
  const names = [...source.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, all, list]) =>
    list!.split(",").map((name) => name.trim()).filter((name) =>
      all !== undefined || name.startsWith("type ")
    )
  );
  assertEquals(names.filter((name) => name !== "").map((name) => name.replace("type ", "")).sort(), TYPES);
});

Deno.test("each sub-path of the package has a name in the import map as well", () => {
  for (const [path, file] of Object.entries(config.exports)) {
    assertEquals((config.imports as Record<string, string>)[`timewait${path.slice(1)}`], file, path);
  }
});

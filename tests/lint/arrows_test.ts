import { assertEquals } from "@std/assert";
import { findOffences } from "./arrows.ts";

function offences(sources: Record<string, string>): string[] {
  return findOffences(new Map(Object.entries(sources)));
}

Deno.test("an import from an earlier room, from the same room or from a package is no offence", () => {
  assertEquals(
    offences({
      "tools/run/runner.ts":
        'import { a } from "../lab/lab.ts";\nimport b from "@david/dax";\nexport * from "./rounds.ts";',
      "tools/run/rounds.ts":
        '/**\n * import { x } from "../report/report.ts";\n */\n// import("../report/report.ts")\n',
      "tools/lab/lab.ts": 'import type { HostName } from "../scenario/host_names.ts";',
      "tools/bench.ts": 'import {\n  main,\n} from "./cli/command_line.ts";',
      "mod.ts": 'export { runScenario } from "./tools/run/runner.ts";',
      "scenarios/mine.ts": 'import type { Scenario } from "timewait";',
    }),
    [],
  );
});

const OFFENCES: [string, string, string][] = [
  ["a type of a later room", "tools/lab/lab.ts", 'import type { Run } from "../run/runner.ts";'],
  ["a list over several lines", "tools/lab/lab.ts", 'import {\n  a,\n  b,\n} from "../run/runner.ts";'],
  ["an export from a later room", "tools/errors.ts", 'export { a } from "./lab/lab.ts";'],
  ["a dynamic import", "tools/lab/lab.ts", 'const a = await import("../report/report.ts");'],
  ["an import type", "tools/lab/lab.ts", 'type A = import("../report/report.ts").A;'],
  ["an import for its effect", "tools/lab/lab.ts", 'import "../report/report.ts";'],
  ["the whole library from a room", "tools/lab/lab.ts", 'import { startLab } from "timewait";'],
  ["a test", "tools/lab/lab.ts", 'import { until } from "../../tests/support/until.ts";'],
  ["another command", "tools/bench.ts", 'import { main } from "./sysctl.ts";'],
  ["a scenario's value", "scenarios/mine.ts", 'import { runScenario } from "timewait";'],
  ["a scenario's neighbour", "scenarios/mine.ts", 'import type { Pool } from "./other.ts";'],
];
for (const [what, file, text] of OFFENCES) {
  Deno.test(`${what} is an offence`, () => assertEquals(offences({ [file]: text }).length, 1));
}

Deno.test("a circle is found, and told once", () => {
  assertEquals(
    offences({
      "tools/lab/a.ts": 'import { b } from "./b.ts";',
      "tools/lab/b.ts": 'import type { C } from "./c.ts";',
      "tools/lab/c.ts": 'const { a } = await import("./a.ts");',
    }),
    ["circle: tools/lab/a.ts → tools/lab/b.ts → tools/lab/c.ts → tools/lab/a.ts"],
  );
});

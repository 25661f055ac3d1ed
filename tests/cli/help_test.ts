import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BENCH_FLAG_GROUPS, BENCH_FLAGS } from "../../tools/cli/bench_flags.ts";
import { listFlag, switchFlag, valueFlag } from "../../tools/cli/command_line.ts";
import { renderHelp } from "../../tools/cli/help.ts";
import { parseText } from "../../tools/cli/values.ts";
import { ROOT } from "../support/root.ts";

const run = () => Promise.resolve(0);

Deno.test("help has a row for each flag, folded under its description, and none for a hidden one", () => {
  const flags = {
    short: valueFlag(
      "N",
      "a description that is too long for one line, and goes on in the next",
      parseText,
      "",
    ),
    aFlagWithALongName: valueFlag("VALUE", "its description", parseText, ""),
    header: listFlag("H", "header", parseText),
    quick: switchFlag("quick"),
    plan: { ...valueFlag("JSON", "secret", parseText, ""), hidden: true },
  };
  const examples = ["deno task demo --short 1 --a-flag-with-a-long-name 'a --b c' --header 'A: 1' --quick"];
  assertEquals(
    renderHelp({ name: "demo", summary: "Does it.", flags, examples, run }),
    `Does it.

Usage: deno task demo [FLAGS]

Flags:
  --short N               a description that is too long for one line, and goes
                          on in the next
  --a-flag-with-a-long-name VALUE
                          its description
  --header H              header (repeatable)
  --quick                 quick
  --help                  this text
  --version               the version

Examples:
  deno task demo --short 1 --a-flag-with-a-long-name 'a --b c' \\
    --header 'A: 1' --quick`,
  );
});

Deno.test("the help of bench has all flags in its groups, within 80 columns", () => {
  const groups = Object.values(BENCH_FLAG_GROUPS).flatMap((flags) => Object.keys(flags));
  assertEquals(groups.toSorted(), Object.keys(BENCH_FLAGS).toSorted());
  const help = renderHelp({ name: "bench", summary: "", flags: BENCH_FLAGS, groups: BENCH_FLAG_GROUPS, run });
  const headings = help.split("\n").filter((line) => /^\w.*:$/.test(line));
  assertEquals(headings, [
    ...[
      "Load:",
      "Backend:",
      "Gateway:",
      "Sweep:",
      "Repetitions:",
      "Gates:",
      "Knobs and lab:",
      "Many machines:",
      "Output:",
    ],
  ]);
  for (const line of help.split("\n")) assert(line.length <= 80, line);
  assertStringIncludes(help, "--response-header-timeout DURATION\n");
  assertMatch(help, /time after which an answer counts as failed\n +\(default 2s\)/);
});

for (const tool of ["bench", "compare", "lab", "gateway", "backend", "sysctl"]) {
  Deno.test(`deno task ${tool} --help fits 80 columns, begins with what it does, and has examples with flags that there are`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--cached-only", "--allow-read", "--allow-env"]
        .concat(`${ROOT}tools/${tool}.ts`, "--help"),
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    const lines = new TextDecoder().decode(stdout).split("\n");
    assertEquals(lines.filter((line) => [...line].length > 80), []);
    assertMatch(lines[0]!, /^[A-Z][a-z]+s /);
    assertEquals(lines.filter((line) => /^Usage: /.test(line)).length, 1);
    const [, examples] = lines.join("\n").split("\nExamples:\n");
    for (const example of examples!.trim().replaceAll(/\\\n\s+/g, "").split("\n")) {
      assert(example.trim().replace(/^sudo /, "").startsWith(`deno task ${tool}`), example);
      for (
        const flag of example.split(" -- ")[0]!.replaceAll(/'[^']*'/g, "").match(/--[a-z][a-z-]+/g) ?? []
      ) {
        assert(lines.some((line) => line.startsWith(`  ${flag}`)), `${example}: there is no ${flag}`);
      }
    }
  });
}

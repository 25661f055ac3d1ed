import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BENCH_FLAG_GROUPS, BENCH_FLAGS } from "../../tools/cli/bench_flags.ts";
import { listFlag, switchFlag, valueFlag } from "../../tools/cli/command_line.ts";
import { renderHelp } from "../../tools/cli/help.ts";
import { parseText } from "../../tools/cli/values.ts";

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
  assertEquals(headings, ["Load:", "Backend:", "Gateway:", "Repetitions:", "Knobs and lab:", "Output:"]);
  for (const line of help.split("\n")) assert(line.length <= 80, line);
  assertStringIncludes(help, "--response-header-timeout DURATION\n");
  assertMatch(help, /time after which an answer counts as failed\n +\(default 2s\)/);
});

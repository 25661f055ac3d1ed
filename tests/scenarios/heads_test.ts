/** The commands in the heads of the scenarios, which people copy. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { quoteForShell } from "../../tools/scenario/placeholders.ts";
import { scenarioNames } from "../../tools/scenario/load_scenario.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";

/**
 * So that each run takes a second, and most of it waits for a slow backend. A flag that the head gives
 * already has its value taken over.
 */
const SHORT = {
  repeat: "1",
  duration: "1s",
  "warm-up": "0",
  connections: "20",
  latency: "200ms",
  lab: "private",
};

/** How many benches run at once: they are looked at for their exit codes, not for their figures. */
const AT_ONCE = 2;

/** The line of a repetition that has been measured. */
const MEASURED = /^\S.* 1: [\d,]+ requests\/s, /m;

const TEXTS = new Map<string, string>();
for (const name of await scenarioNames()) {
  TEXTS.set(name, await Deno.readTextFile(`${ROOT}scenarios/${name}.ts`));
}

/** The `deno task` lines of a head; a line that ends in a backslash goes on in the next. */
function commandsOf(text: string): string[] {
  const [head] = /\/\*\*.*?\*\//s.exec(text)!;
  const lines = head.replaceAll(/\\\n \*\s+/g, "").split("\n");
  return lines.flatMap((line) => /^ \* {5}(deno task .*)$/.exec(line)?.[1] ?? []);
}

function shortened(command: string): string {
  const flags = Object.entries(SHORT).filter(([name]) =>
    name !== "connections" || !command.includes(`--${name} `)
  );
  const words = flags.reduce((text, [name]) => text.replace(new RegExp(` --${name} \\S+`), ""), command);
  return `${words} ${flags.map(([name, value]) => `--${name} ${value}`).join(" ")}`;
}

Deno.test("each scenario says why, how it is run, and runs as a script where timewait is installed", async () => {
  for (const [name, text] of TEXTS) {
    assert(text.startsWith("#!/usr/bin/env -S timewait bench\n/**\n"), name);
    assertMatch(text, /\* What to do with the answer: /, name);
    assertEquals(commandsOf(text)[0], `deno task bench ${name}`);
    assertEquals([...text.matchAll(/^import .*$/gm)].map(String), [
      'import type { Scenario } from "timewait";',
    ], name);
    assertGreater(
      (await Deno.stat(`${ROOT}scenarios/${name}.ts`)).mode! & 0o100,
      0,
      `${name}.ts is not executable`,
    );
  }
});

Deno.test({
  name: "every command in the head of a scenario that has flags, or a path, measures",
  ignore: wrkInPrivateLab.ignore || peers.ignore,
  async fn() {
    // All runs of a scenario are measured by the other tests of this folder, from a copy of it. What flags
    // and paths may spoil shows before the first measurement: so it is interrupted after that, and reports
    // what it has.
    const isMeasuredElsewhere = (command: string) => /^deno task bench \w+$/.test(command);
    const commands = [...TEXTS.values()].flatMap(commandsOf).filter((one) => !isMeasuredElsewhere(one));
    assertGreater(commands.length, TEXTS.size / 2);
    const turns = commands.values();
    const deno = quoteForShell(Deno.execPath());
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const command of turns) {
        const line = shortened(command).replace(/^deno/, `exec ${deno}`);
        const child = new Deno.Command("/bin/sh", {
          args: ["-c", line],
          cwd: ROOT,
          env: { INIT_CWD: ROOT },
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const stdout = new Response(child.stdout).text();
        let said = "";
        for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
          const isFirst = !MEASURED.test(said);
          said += text;
          if (isFirst && MEASURED.test(said)) child.kill("SIGINT");
        }
        const { code } = await child.status;
        assertEquals([code, MEASURED.test(said)], [130, true], `${command}: ${said}`);
        assertMatch(await stdout, /^# [^]*The bench was stopped before all was measured\./, command);
      }
    }));
  },
});

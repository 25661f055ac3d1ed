/** A scenario as a person runs it, with a load of one second. */

import { assert, assertEquals } from "@std/assert";
import { isMeasured, type Measured, type Results } from "../../tools/results/results.ts";
import { assertDescribed } from "./strict_schema.ts";
import { ROOT } from "./root.ts";

/** Runs a scenario and returns both of its outputs. */
export async function runForASecond(
  scenario: string,
  ...flags: string[]
): Promise<{ results: Results; report: string; run(name: string): Measured }> {
  const directory = await Deno.makeTempDir();
  try {
    const permissions = ["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];
    const short = ["--lab", "private", "--duration", "1s", "--warm-up", "0", "--repeat", "1"];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--cached-only", ...permissions, `${ROOT}tools/bench.ts`]
        .concat(scenario, short, "--out", directory, flags),
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const results: Results = JSON.parse(await Deno.readTextFile(`${directory}/results.json`));
    assertDescribed(results);
    const report = await Deno.readTextFile(`${directory}/report.md`);
    const run = (name: string) => {
      const repetition = results.runs.find((one) => one.name === name)?.repetitions[0];
      assert(repetition !== undefined && isMeasured(repetition), `${name} was not measured`);
      return repetition;
    };
    return { results, report, run };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

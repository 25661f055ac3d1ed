/**
 * A scenario as a person runs it who has copied it into a folder of their own, with a load of one second.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isMeasured, type Measured, type Results } from "../../tools/results/results.ts";
import { ROOT } from "./root.ts";
import { assertDescribed } from "./strict_schema.ts";

/** Characters of the folder that a shell, a URL and `sed` each take for something else. */
const FOLDER = "it's #1|& 50%41";

/**
 * Copies a scenario, with its peers where it uses them, to where no deno.json is, runs it there, and returns
 * both of its outputs.
 */
export async function runForASecond(
  scenario: string,
  ...flags: string[]
): Promise<{ results: Results; report: string; run(name: string): Measured }> {
  const directory = await Deno.makeTempDir();
  const folder = `${directory}/${FOLDER}`;
  try {
    await copyScenario(scenario, folder);
    const permissions = ["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];
    const duration = flags.includes("--duration") ? [] : ["--duration", "1s"];
    const short = ["--lab", "private", ...duration, "--warm-up", "0", "--repeat", "1"];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--cached-only", ...permissions, `${ROOT}tools/bench.ts`]
        .concat(`./${scenario}.ts`, short, "--out", "out", flags),
      cwd: folder,
      // The task that runs the tests says where the person typed; here that is the copy's folder.
      env: { INIT_CWD: "." },
      stdin: "null",
      stdout: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const results: Results = JSON.parse(await Deno.readTextFile(`${folder}/out/results.json`));
    assertDescribed(results);
    assertEquals(results.scenario, scenario);
    const report = await Deno.readTextFile(`${folder}/out/report.md`);
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

async function copyScenario(scenario: string, folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const source = `${ROOT}scenarios`;
  await Deno.copyFile(`${source}/${scenario}.ts`, `${folder}/${scenario}.ts`);
  if (!/\{folder\}|peers\//.test(await Deno.readTextFile(`${source}/${scenario}.ts`))) return;
  await Deno.mkdir(`${folder}/peers`);
  for await (const { name } of Deno.readDir(`${source}/peers`)) {
    await Deno.copyFile(`${source}/peers/${name}`, `${folder}/peers/${name}`);
  }
}

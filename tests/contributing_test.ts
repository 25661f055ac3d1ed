import { parse as parseYaml } from "@std/yaml";
import { assert, assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { ROOT } from "./support/root.ts";

const read = (path: string) => Deno.readTextFile(ROOT + path);

Deno.test("the tasks and files that CONTRIBUTING.md and .ci/run name are there", async () => {
  for (const path of [".github/CONTRIBUTING.md", ".ci/run"]) {
    const text = await read(path);
    const tasks = [...text.matchAll(/(?:deno|"\$\{deno\[@\]\}") task ([\w:-]+)/g)].map(([, task]) => task!);
    assert(tasks.length > 0);
    assertEquals(tasks.filter((task) => !(task in config.tasks)), [], path);
    const files = [...text.matchAll(/\b(?:tests|tools|scenarios)\/[\w/.]*\w/g)].map(([file]) => file);
    assert(files.length > 0);
    for (const file of files) await Deno.stat(ROOT + file);
  }
});

Deno.test("the workflow is YAML, each of its steps runs or uses something, and each job runs the gate", async () => {
  const { jobs } = parseYaml(await read(".github/workflows/ci.yml")) as {
    jobs: Record<string, { "runs-on": string; steps: { run?: string; uses?: string }[] }>;
  };
  for (const [name, job] of Object.entries(jobs)) {
    assert(job["runs-on"].length > 0, name);
    assert(job.steps.every(({ run, uses }) => (run === undefined) !== (uses === undefined)), name);
    assert(job.steps.some(({ run }) => run?.endsWith(".ci/run")), name);
  }
  await Deno.stat(`${ROOT}.ci/run`);
});

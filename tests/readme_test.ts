import { parse as parseYaml } from "@std/yaml";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { loadScenario } from "../tools/scenario/load_scenario.ts";
import { resolveScenario } from "../tools/scenario/resolve.ts";
import { parseGate } from "../tools/verdict/gate.ts";
import { wrkInPrivateLab } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";

const README = await Deno.readTextFile(`${ROOT}README.md`);

async function run(
  args: string[],
  { cwd = ROOT }: { readonly cwd?: string } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map((match) =>
    match[1]!
  );
}

/** Writes a program into a folder of its own, far from any deno.json. */
async function elsewhere(name: string, program: string): Promise<{ cwd: string } & AsyncDisposable> {
  const cwd = await Deno.makeTempDir({ prefix: "timewait readme " });
  await Deno.writeTextFile(`${cwd}/${name}`, program);
  return { cwd, [Symbol.asyncDispose]: () => Deno.remove(cwd, { recursive: true }) };
}

/** The words of the README that run a script, with our deno.json in place of the reader's. */
function scriptCommand(): string[] {
  const [line] = blocks("sh").flatMap((block) => block.split("\n")).filter((line) =>
    line.startsWith("deno run ")
  );
  return line!.replace("~/timewait/", ROOT).split(" ").slice(1);
}

Deno.test({
  name: "the scripts of the README run as they stand, from a folder of their own, as it says",
  ...wrkInPrivateLab,
  async fn() {
    const [pools, scenario] = blocks("ts ignore");
    await using first = await elsewhere("my_pool.ts", pools!);
    const counted = await run(scriptCommand(), first);
    assertEquals(counted.code, 0, counted.stderr);
    const [small, fits] = counted.stdout.trim().split("\n").map((line) =>
      line.split("|").slice(1, -1).map((cell) => Number(cell))
    );
    assertEquals([small![0], fits![0]], [100, 1000]);
    assertGreater(small![1]!, 0);
    assertGreater(small![2]!, 100, counted.stdout);
    assertGreater(small![3]!, 100, counted.stdout);
    // Threads of others that share the machine may cost it some: far fewer than the small pool all the same.
    assertLess(fits![2]!, small![2]! / 4, counted.stdout);
    assertLess(fits![3]!, small![3]! / 4, counted.stdout);
    await using second = await elsewhere("my_pool.ts", scenario!);
    const reported = await run(scriptCommand(), second);
    assertEquals(reported.code, 0, reported.stderr);
    assertStringIncludes(reported.stdout, "# Does a pool of 10 fit 100 connections?");
  },
});

Deno.test("the programs of the README have the types that they should", async () => {
  // All at once: each by itself has the types of all our modules checked again.
  const programs = blocks("ts ignore").map((program, i) => [`program_${i}.ts`, program] as const);
  await using folder = await elsewhere(...programs[0]!);
  for (const [name, program] of programs) await Deno.writeTextFile(`${folder.cwd}/${name}`, program);
  const names = programs.map(([name]) => name);
  const { code, stderr } = await run(["check", "--quiet", "--config", `${ROOT}deno.json`, ...names], folder);
  assertEquals(code, 0, stderr);
});

Deno.test("the scenario of the README resolves, with a name that is its file's", async () => {
  await using folder = await elsewhere("my_scenario.ts", blocks("ts ignore")[2]!);
  const { name, scenario } = await loadScenario(`${folder.cwd}/my_scenario.ts`);
  const plan = resolveScenario(scenario, name);
  assertEquals(plan.name, "my_scenario");
  assertEquals(plan.runs.map((run) => run.name), ["direct", "pool-100", "mine"]);
});

/** What the steps of the example for GitHub Actions run. */
function actionsCommands(): string[] {
  const steps = blocks("yaml").flatMap((block) => parseYaml(block) as { run?: string; uses?: string }[]);
  assert(steps.every(({ run, uses }) => (run === undefined) !== (uses === undefined)), "a step runs or uses");
  return steps.flatMap(({ run }) => run ?? []);
}

Deno.test("the example for GitHub Actions is YAML, decides between two checkouts, and its gates can be parsed", () => {
  const commands = actionsCommands();
  const decides = commands.find((command) => command.includes("--checkout origin/main"))!;
  assertMatch(decides, /--decide --gate 'requestsPerSec>=-2%' --out branch >>/);
  // A pipe would hide the exit code: without `shell: bash` nothing sets pipefail.
  assert(!decides.includes(" | "));
  for (const [, gate] of README.matchAll(/--gate '([^']*)'/g)) parseGate(gate!, "--gate");
});

Deno.test("every task of the README exists, and every flag of its commands is one of the task's", async () => {
  const commands = [...blocks("sh").flatMap((block) => block.split("\n")), ...actionsCommands()]
    .concat(
      [...README.matchAll(/^\| `(deno task [^`]*)` \| (.*) \|$/gm)].map((match) => `${match[1]} ${match[2]}`),
    )
    .filter((line) => /deno task \w/.test(line));
  assert(commands.length > 8);
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const helps = new Map<string, Promise<string>>();
  for (const command of commands) {
    const task = /deno task (?:--config \S+ )?([\w:]+)/.exec(command)![1]!;
    assert(task in tasks, `no task ${task}`);
    const flags = [...command.replaceAll(/'[^']*'/g, "").matchAll(/--[a-z-]+/g)].map((match) => match[0]);
    if (flags.length === 0) continue;
    if (!helps.has(task)) {
      helps.set(
        task,
        run(["task", "--quiet", task, "--help"]).then(({ stdout }) => stdout),
      );
    }
    const help = await helps.get(task)!;
    for (const flag of flags) assertMatch(help, new RegExp(`${flag}\\b`), `${task} has no ${flag}`);
  }
});

Deno.test("the scenarios of the README are those that there are", async () => {
  const { stdout } = await run(["task", "--quiet", "bench", "--list"]);
  const listed = stdout.trim().split("\n").map((line) =>
    /^(\w+)(?: \(default\))?: (.*)$/.exec(line)!.slice(1)
  );
  const told = [...README.matchAll(/^\| \[(\w+)\]\(scenarios\/\1\.ts\) +\| (.*?) +\|$/gm)].map((match) =>
    match.slice(1)
  );
  assertEquals(told, listed);
});

Deno.test("no task asks for all permissions", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  for (const [name, task] of Object.entries<{ command: string }>(tasks)) {
    assert(!/(^|\s)(-A|--allow-all)(\s|$)/.test(task.command), name);
  }
});

import { parse as parseYaml } from "@std/yaml";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseGate } from "../tools/verdict/gate.ts";
import { wrkInPrivateLab } from "./support/requirements.ts";

const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);
const README = await Deno.readTextFile(`${ROOT}README.md`);

async function run(args: string[], input = ""): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { args, cwd: ROOT, stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(Deno.execPath(), { ...options, env: { NO_COLOR: "1" } }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map((match) =>
    match[1]!
  );
}

Deno.test({
  name: "the programs of the README run as they stand, with the permissions that it names",
  ...wrkInPrivateLab,
  async fn() {
    const flags = /deno run ((?:--allow-\w+ )+)my_pool\.ts/.exec(README)![1]!.trim().split(" ");
    const [lab, scenario] = blocks("ts ignore");
    const counted = await run(["run", "--no-prompt", ...flags, "-"], lab);
    assertEquals(counted.code, 0, counted.stderr);
    assertMatch(
      counted.stdout,
      /^- a pool of 10 opened \d+ connections for \d+ requests\n- a pool of 100 opened /,
    );
    const reported = await run(["run", "--no-prompt", ...flags, "-"], scenario);
    assertEquals(reported.code, 0, reported.stderr);
    assertStringIncludes(reported.stdout, "# Does a pool of 10 fit 100 connections?");
  },
});

/** What the steps of the example for GitHub Actions run. */
function actionsCommands(): string[] {
  const steps = blocks("yaml").flatMap((block) => parseYaml(block) as { run?: string; uses?: string }[]);
  assert(steps.every(({ run, uses }) => (run === undefined) !== (uses === undefined)), "a step runs or uses");
  return steps.flatMap(({ run }) => run ?? []);
}

Deno.test("the example for GitHub Actions is YAML, compares what it has measured, and its gates can be parsed", () => {
  const commands = actionsCommands();
  const compared = commands.find((command) => command.includes("deno task compare"))!;
  const written = commands.join("\n");
  assertStringIncludes(compared, "main.json branch/results.json");
  assertMatch(written, /--json "\$GITHUB_WORKSPACE\/main\.json"/);
  assertMatch(written, /--out branch$/m);
  // A pipe would hide the exit code: without `shell: bash` nothing sets pipefail.
  assert(!compared.includes(" | "));
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
    const task = /deno task (\w+)/.exec(command)![1]!;
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

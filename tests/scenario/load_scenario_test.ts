import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { loadScenario, scenarioNames } from "../../tools/scenario/load_scenario.ts";

async function inFolder(name: string, use: (folder: string) => Promise<void>): Promise<void> {
  const base = await Deno.makeTempDir();
  try {
    const folder = `${base}/${name}`;
    await Deno.mkdir(folder);
    await use(folder);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

Deno.test("each scenario that comes with Timewait is loaded by its name, and all fit", async () => {
  const names = await scenarioNames();
  assert(names.length >= 7);
  for (const name of names) assertEquals((await loadScenario(name)).name, name);
});

Deno.test("a file's name is its scenario's, and what is relative to its folder leads there from anywhere", async () => {
  await inFolder("it's #1 of 50%41?", async (folder) => {
    const path = `${folder}/a b.c#1.ts`;
    const runs = [
      { name: "a", gateway: { command: "{folder}/gw {listen}" }, load: { script: "x/y.lua" } },
      { name: "b", load: { script: "/abs.lua" }, backend: { command: "{folder}/gw {listen}" } },
    ];
    const backend = { command: "{folder}/gw {listen}" };
    const text = `#!/usr/bin/env -S timewait bench\nimport type { Scenario } from "no such name";\n` +
      `export default ${
        JSON.stringify({ question: "Why?", load: { script: "z.lua" }, backend, runs })
      } satisfies Scenario;`;
    await Deno.writeTextFile(path, text);
    const { name, scenario } = await loadScenario(path);
    assertEquals(name, "a b.c#1");
    assertEquals([scenario, ...scenario.runs].map((one) => one.load?.script), [
      `${folder}/z.lua`,
      `${folder}/x/y.lua`,
      "/abs.lua",
    ]);
    const parties = [scenario.runs[0]!.gateway, scenario.runs[1]!.backend, scenario.backend];
    for (const { command } of parties as { command: string }[]) {
      const printed = await new Deno.Command("/bin/sh", {
        args: ["-c", `printf %s ${command.replace("{listen}", "")}`],
      }).output();
      assertEquals(new TextDecoder().decode(printed.stdout), `${folder}/gw`);
    }
  });
});

Deno.test("what a file says is checked, and the error begins with the file", async () => {
  const cases: [string, string][] = [
    ["export default 42;", "a scenario must be an object"],
    ["export default [];", "a scenario must be an object"],
    ["export default { runs: [] };", "question is needed"],
    ['export default { question: "Why?", runs: 5 };', "runs must be a list, not 5"],
    ['export default { question: "Why?", runs: [null] };', "runs[0] must be an object, not null"],
    [
      'export default { question: "Why?", runs: [{ name: "a" }, { name: "b", gatway: {} }] };',
      "runs[1].gatway is no option; did you mean gateway?",
    ],
    [
      'export default { question: "Why?", load: null, runs: [{ name: "a" }] };',
      "load must be an object, not null",
    ],
    [
      'export default { question: "Why?", runs: [{ name: "a", gateway: { command: "gw {lisen}" } }] };',
      "runs[0].gateway.command has no placeholder {lisen}; did you mean listen?",
    ],
  ];
  await inFolder("x", async (folder) => {
    for (const [i, [text, message]] of cases.entries()) {
      const path = `${folder}/${i}.ts`;
      await Deno.writeTextFile(path, text);
      const error = await assertRejects(() => loadScenario(path), TimewaitError);
      assert(error.message.startsWith(`${path}: ${message}`), error.message);
    }
    const broken: [string, string][] = [
      ["export const other = 1;", 'it needs "export default'],
      ['throw new Error("no\\nluck");', "no; luck"],
      ["export default {", "Unexpected token"],
      ['export default {\n  question: "Why?"\n  runs: [] };', "Expected ',', got 'runs' (line 3, column 3)"],
      ['import "./nowhere.ts";', '/nowhere.ts". (line 1, column 8)'],
    ];
    for (const [i, [text, message]] of broken.entries()) {
      const path = `${folder}/broken${i}.ts`;
      await Deno.writeTextFile(path, text);
      const error = await assertRejects(() => loadScenario(path), TimewaitError, `${path} is no scenario: `);
      assert(error.message.includes(message) && !error.message.includes("\n"), error.message);
      assert(!error.message.includes("; |") && !error.message.includes("x1b"), error.message);
    }
  });
});

Deno.test("a name that is none is refused with the nearest, or with all", async () => {
  const cases: [string, string][] = [
    ["undersized_poll", "there is no scenario undersized_poll; did you mean undersized_pool?"],
    ["zzzzzzzzzzzzzzzz", "there is no scenario zzzzzzzzzzzzzzzz; known are client_side, "],
    ["./scenarios/gateways", "the path of a scenario ends in .ts"],
    ["./no_such.ts", "./no_such.ts is no scenario: No such file or directory"],
  ];
  for (const [name, message] of cases) await assertRejects(() => loadScenario(name), TimewaitError, message);
});

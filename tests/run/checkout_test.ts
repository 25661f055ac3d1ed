/**
 * Another checkout's gateway beside this one's: of a commit, of a folder, and what is left of a killed bench.
 */

import { assert, assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { type Failed, isMeasured, type Results } from "../../tools/results/results.ts";
import { gatewayCommand, openCheckout, removeLeftCheckouts } from "../../tools/run/checkout.ts";
import "../support/one_at_a_time.ts";
import { privateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";
import { until } from "../support/until.ts";

async function run(argv: readonly string[], options: Deno.CommandOptions = {}) {
  const [program, ...args] = argv;
  const { code, stdout, stderr } = await new Deno.Command(program!, { args, stdin: "null", ...options })
    .output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** A repository that holds this checkout as it is, and a folder for what its benches make. */
async function makeClone() {
  const root = await Deno.makeTempDir({ prefix: "timewait clone " });
  const [clone, temporary] = [`${root}/clone`, `${root}/tmp`];
  await Deno.mkdir(clone);
  await Deno.mkdir(temporary);
  for (const part of ["deno.json", "deno.lock", "mod.ts", "tools", "scenarios"]) {
    await run(["cp", "-r", `${ROOT}${part}`, clone]);
  }
  const git = async (...args: string[]) => {
    const identity = [
      "-c",
      "user.name=a test",
      "-c",
      "user.email=test@localhost",
      "-c",
      "commit.gpgsign=false",
    ];
    const { code, stdout, stderr } = await run(["git", "-C", clone, ...identity, ...args]);
    assertEquals(code, 0, stderr);
    return stdout;
  };
  await git("init", "--quiet");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "works");
  await git("branch", "works");
  // What is started shows by what it says.
  const gateway = `${clone}/tools/gateway.ts`;
  const text = await Deno.readTextFile(gateway);
  await Deno.writeTextFile(
    gateway,
    `throw new Error("of a broken commit");\n${text}`,
  );
  await git("commit", "--quiet", "--all", "--message", "broken");
  await git("branch", "broken");
  await git("reset", "--quiet", "--hard", "works");
  const bench = [
    ...[Deno.execPath(), "run", "--no-prompt", "--allow-run", "--allow-read", "--allow-write", "--allow-env"],
    ...["--allow-sys", `${clone}/tools/bench.ts`, "undersized_pool", "--rate", "200", "--connections", "20"],
    ...["--warm-up", "0", "--lab", "private"],
  ];
  const options = { cwd: clone, env: { TMPDIR: temporary } };
  return {
    clone,
    temporary,
    git,
    bench: (...flags: string[]) => run([...bench, ...flags], options),
    start: (...flags: string[]) =>
      new Deno.Command(bench[0]!, {
        args: [...bench.slice(1), ...flags],
        ...options,
        ...{ stdin: "null", stdout: "null", stderr: "null" },
      }).spawn(),
    left: async () =>
      (await Array.fromAsync(Deno.readDir(temporary))).map(({ name }) => name).filter(isCheckout),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

const isCheckout = (name: string) => name.startsWith("timewait-checkout-");

Deno.test({
  name:
    "a commit's gateway and a folder's are measured beside this one's, each with its own sources, and nothing is left",
  ...privateLab,
  async fn() {
    await using made = await makeClone();
    const { code, stdout, stderr } = await made.bench(
      ...[
        "--checkout",
        "works",
        "--checkout",
        made.clone,
        "--checkout",
        "broken",
        "--pool-max-idle-per-host",
        "0",
      ],
      ...["--repeat", "1", "--duration", "300ms", "--json", "-"],
    );
    assertEquals(code, 1, stderr);
    const results: Results = JSON.parse(stdout);
    assertEquals(results.runs.map(({ name, baseline }) => [name, baseline]), [
      ["works", true],
      ["clone", false],
      ["broken", false],
      ["this", false],
    ]);
    for (const { name, repetitions: [repetition] } of results.runs) {
      if (name === "broken") {
        assertStringIncludes((repetition as Failed).failed, "of a broken commit");
      } else {
        assert(isMeasured(repetition!), `${name}: ${JSON.stringify(repetition)}`);
        assertGreater(repetition.hosts.gateway!.connectionsOpened, repetition.requests / 2);
      }
    }
    assertEquals(await made.left(), []);
    assertEquals((await made.git("worktree", "list")).trim().split("\n").length, 1);
  },
});

Deno.test({
  name:
    "what a killed bench has left of a commit is removed by the next one, and what a running one has is not",
  ...privateLab,
  async fn() {
    await using made = await makeClone();
    const child = made.start("--checkout", "works", "--repeat", "1", "--duration", "60s");
    try {
      await until(async () =>
        (await made.left()).length === 1 && (await made.git("worktree", "list")).includes("tmp/")
      );
      await removeLeftCheckouts(made.temporary);
      assertEquals((await made.left()).length, 1);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
    assertEquals((await made.left()).length, 1);
    await until(async () => {
      await removeLeftCheckouts(made.temporary);
      return (await made.left()).length === 0;
    });
    assertEquals((await made.git("worktree", "list")).trim().split("\n").length, 1);
  },
});

Deno.test("what is no checkout is refused in one line, with what was looked for", async () => {
  const error = await assertRejects(() => openCheckout("no-such-branch"), TimewaitError);
  assertEquals(error.field, "checkout");
  assertStringIncludes(error.message, "no-such-branch is neither");
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/deno.json`, '{ "tasks": { "gateway": "node gateway.js" } }');
    await assertRejects(() => gatewayCommand({ folder }, []), TimewaitError, "has no task gateway");
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      '{ "tasks": { "gateway": "A=1 deno run --allow-net tools/gateway.ts" } }',
    );
    assertEquals(
      await gatewayCommand({ folder }, ["--transport", "net-http"]),
      `env -C ${folder} A=1 ${Deno.execPath()} run --allow-net tools/gateway.ts ` +
        "--listen {listen} --upstream {upstream} --transport net-http",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

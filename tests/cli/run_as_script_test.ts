import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../support/root.ts";
import { isAlive, until } from "../support/until.ts";

const TOOL = `
import { runAsScript } from "${new URL("../../tools/cli/run_as_script.ts", import.meta.url)}";
await runAsScript(async (_args, signal) => {
  console.log("started");
  await new Promise((resolve) => {
    const timer = setInterval(() => {}, 1000);
    signal.addEventListener("abort", () => (clearInterval(timer), resolve()));
  });
  console.log("ended in order");
  if (Deno.args[0] !== undefined) Deno.open(Deno.args[0], { write: true });
  return 130;
});`;

/** Starts a tool, sends it the signals, each a while after the one before, and waits for its end. */
async function send(
  signals: readonly Deno.Signal[],
  { prefix = [], args = [] }: { prefix?: string[]; args?: string[] } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program, ...words] = [...prefix, Deno.execPath(), "run", "-A", "--ext=ts", "-", ...args];
  const child = new Deno.Command(program!, {
    args: words,
    env: { NO_COLOR: "1", INIT_CWD: "." },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const killTimer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const stderr = new Response(child.stderr).text();
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(TOOL));
  await stdin.close();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let stdout = (await lines.read()).value ?? "";
  for (const signal of signals) {
    child.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  for (let read; !(read = await lines.read()).done;) stdout += read.value;
  clearTimeout(killTimer);
  return { code: (await child.status).code, stdout, stderr: await stderr };
}

Deno.test("a terminal that is gone ends a tool in order, as Ctrl-C does", async () => {
  const { code, stdout } = await send(["SIGHUP"]);
  assertEquals([code, stdout], [130, "started\nended in order\n"]);
});

Deno.test("under nohup a tool does not care about a terminal that is gone", async () => {
  const { stderr, stdout } = await send(["SIGHUP", "SIGTSTP", "SIGTERM"], { prefix: ["nohup"] });
  // It was there to answer the second signal.
  assertStringIncludes(stderr, "Ctrl-Z cannot pause this: Ctrl-C ends it");
  assertEquals(stdout, "started\nended in order\n");
});

Deno.test("a pipe that nobody reads does not keep an interrupted tool alive", async () => {
  const folder = await Deno.makeTempDir();
  try {
    new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).outputSync();
    const { code } = await send(["SIGTERM"], { args: [`${folder}/pipe`] });
    assertEquals(code, 130);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a tool whose task is killed while it starts ends in order all the same", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/tool.ts`, TOOL);
    // What the tool asks first takes a while.
    await Deno.writeTextFile(`${folder}/sh`, `#!/bin/sh\n: >${folder}/asked; sleep 1; exec /bin/sh "$@"\n`);
    await Deno.chmod(`${folder}/sh`, 0o755);
    const task = new Deno.Command("/bin/sh", {
      args: ["-c", `${Deno.execPath()} run -A ${folder}/tool.ts >${folder}/out & echo $!; wait`],
      env: { PATH: `${folder}:${Deno.env.get("PATH")}`, INIT_CWD: "." },
      stdout: "piped",
    }).spawn();
    const lines = task.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const tool = Number((await lines.read()).value);
    await until(() => Deno.stat(`${folder}/asked`).then(() => true, () => false), 20_000);
    task.kill("SIGKILL");
    await task.status;
    await lines.cancel();
    await until(() => !isAlive(tool), 20_000).finally(() => isAlive(tool) && Deno.kill(tool, "SIGKILL"));
    assertEquals(await Deno.readTextFile(`${folder}/out`), "started\nended in order\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (
  const [what, text] of Object.entries({
    "waits beside a timer": "setInterval(() => {}, 1000); await new Promise(() => {});",
    "runs in a loop without end": "while (true);",
  })
) {
  Deno.test(`the first Ctrl-C ends a bench whose scenario ${what} while it is loaded`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const ready = `Deno.writeTextFileSync(new URL("./ready", import.meta.url), "");`;
      await Deno.writeTextFile(`${folder}/hangs.ts`, `${ready}\n${text}\nexport default {};`);
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", `${ROOT}tools/bench.ts`, `${folder}/hangs.ts`],
        stdout: "null",
        stderr: "null",
      }).spawn();
      let ended = false;
      child.status.then(() => ended = true);
      const killTimer = setTimeout(() => !ended && child.kill("SIGKILL"), 8_000);
      while (!ended && !(await Deno.stat(`${folder}/ready`).catch(() => undefined))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      if (!ended) child.kill("SIGINT");
      const { code } = await child.status;
      clearTimeout(killTimer);
      assertEquals(code, 130);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a scenario that ends the process is an error, and not a bench that went well", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/exits.ts`, "Deno.exit(0);\n");
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${ROOT}tools/bench.ts`, `${folder}/exits.ts`],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(
      [code, new TextDecoder().decode(stderr)],
      [1, "error: this was ended by code that it had loaded, with Deno.exit or process.exit\n"],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { commands, startOf } from "../tools/timewait.ts";
import { privateLab } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";
import { isAlive, until } from "./support/until.ts";

/** Installs `timewait` as the README says, into a folder of its own. */
async function install(): Promise<{ readonly folder: string; readonly command: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "timewait installed " });
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const line = /^deno install .*$/m.exec(readme)![0];
  const args = line.replace("~/timewait/", ROOT).split(" ").slice(1);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "--root", folder].toSorted((a, b) => Number(b === "install") - Number(a === "install")),
    stdout: "null",
    stderr: "piped",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return {
    folder,
    command: `${folder}/bin/timewait`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function run(command: string, args: string[], cwd: string) {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, cwd, env: { NO_COLOR: "1" } })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("a command starts with the words of its task, and nothing else of this machine's", () => {
  const { args, env } = startOf("gateway", ["--help"])!;
  const words = config.tasks.gateway.command.split(" ");
  assertEquals(args.filter((arg) => arg.startsWith("--allow-net")), ["--allow-net"]);
  assertEquals(args.at(-1), "--help");
  assertEquals(Object.keys(env).every((name) => words.some((word) => word.startsWith(`${name}=`))), true);
  assertEquals(args.some((arg) => arg.startsWith("tools/") || arg.endsWith("=tools")), false);
  assertEquals(startOf("ok", []), undefined);
  assertEquals(startOf("toString", []), undefined);
});

Deno.test("installed as the README says, one command does what the tasks do, from any folder", async () => {
  await using installed = await install();
  const { folder, command } = installed;
  const help = await run(command, [], folder);
  assertEquals(help.code, 0, help.stderr);
  for (const name of Object.keys(commands())) assertMatch(help.stdout, new RegExp(`^  ${name} `, "m"));
  assertStringIncludes(
    (await run(command, ["bench", "--list"], folder)).stdout,
    "undersized_pool (default): ",
  );
  assertStringIncludes((await run(command, ["gateway", "--help"], folder)).stdout, "--max-idle-conns");
  for (const name of ["bench", "gateway"]) {
    const { stdout } = await run(command, [name, "--help"], folder);
    assertStringIncludes(stdout, `Usage: timewait ${name} `);
    assertEquals(stdout.includes("deno task"), false);
    const { stderr } = await run(command, [name, "--zzzzzzzzzzzz"], folder);
    assertStringIncludes(stderr, `; timewait ${name} --help lists them`);
  }
  const { version } = config;
  for (
    const args of [
      [],
      ...Object.keys(commands()).filter((name) => name !== "run").map((name) => [name]),
    ]
  ) {
    const { code, stdout } = await run(command, [...args, "--version"], folder);
    assertEquals([code, stdout], [0, `timewait ${version}\n`], args.join());
  }
  const missing = await run(command, ["compare", "nowhere.json"], folder);
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.stderr, "nowhere.json cannot be read");
  const unknown = await run(command, ["bech"], folder);
  assertEquals([unknown.code, unknown.stdout], [2, ""]);
  assertStringIncludes(unknown.stderr, "there is no command bech");
});

Deno.test("a script of the person's runs with the names that it imports", async () => {
  await using installed = await install();
  await Deno.writeTextFile(
    `${installed.folder}/mine.ts`,
    'import { TimewaitError } from "timewait"; console.log(new TimewaitError("is so", { field: Deno.args[0]! }).message);',
  );
  const { code, stdout, stderr } = await run(installed.command, ["run", "mine.ts", "it"], installed.folder);
  assertEquals([code, stdout], [0, "it is so\n"], stderr);
});

Deno.test("a scenario that was copied elsewhere runs by its first line, with the flags behind it", async () => {
  await using installed = await install();
  const folder = `${installed.folder}/it's #1`;
  await Deno.mkdir(folder);
  await Deno.copyFile(`${ROOT}scenarios/loopback_mask.ts`, `${folder}/mine.ts`);
  const PATH = `${installed.folder}/bin:${Deno.env.get("PATH")}`;
  const { code, stdout, stderr } = await new Deno.Command("./mine.ts", {
    args: ["--sysctl", "net.ipv4.tcp_tw_reuse=1", "--threads", "3"],
    cwd: folder,
    env: { PATH, NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  // Nothing is measured: its 100 connections are not to be shared among 3 threads.
  assertEquals([code, text(stdout)], [2, ""]);
  assertMatch(text(stderr), /^error: mine\.ts: --connections cannot be 100: [^\n]*3 threads[^\n]*\n$/);
});

Deno.test({
  name: "when the installed command is killed, its bench ends as well",
  ...privateLab,
  async fn() {
    await using installed = await install();
    const args = ["bench", "--quick", "--lab", "private", "--duration", "60s"];
    const child = new Deno.Command(installed.command, {
      args,
      cwd: installed.folder,
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const childrenOf = (pid: number) => {
      const { stdout } = new Deno.Command("ps", { args: ["-o", "pid=", "--ppid", String(pid)] }).outputSync();
      return new TextDecoder().decode(stdout).trim().split(/\s+/).filter((word) => word !== "").map(Number);
    };
    const stderr = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    assertMatch((await stderr.read()).value ?? "", /^undersized_pool: 3 runs, /);
    const [bench] = childrenOf(child.pid);
    await until(() => childrenOf(bench!).length > 0);
    child.kill("SIGKILL");
    await child.status;
    // It ends its lab in order, for which a busy machine may take long, and no longer than 30 s.
    await until(() => !isAlive(bench!), 45_000);
    await stderr.cancel();
  },
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startProcess } from "../tools/lab/process.ts";
import { descendantsOf } from "./support/descendants.ts";
import { privateLab } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";
import { isAlive, until } from "./support/until.ts";

const LAB = [Deno.execPath(), "task", "--quiet", "--config", `${ROOT}deno.json`, "lab"];

/** Runs `deno task lab` to its end. */
async function lab(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(LAB[0]!, {
    args: [...LAB.slice(1), ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Where Deno keeps what it has downloaded, for a shell whose home is not the person's. */
function denoDir(): string {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** `deno task lab` in a terminal of its own, as a person sees and types it. */
async function startInTerminal(...args: string[]) {
  let screen = "";
  const command = [...LAB, ...args].map((word) => `'${word}'`).join(" ");
  const process = await startProcess([], {
    name: "a terminal",
    argv: ["script", "-qec", command, "/dev/null"],
    // No start-up files of the person's shell.
    env: { NO_COLOR: "1", SHELL: "/bin/bash", HOME: "/nonexistent", TERM: "dumb", DENO_DIR: denoDir() },
    onStdout: (line) => screen += `${line}\n`,
  });
  const shows = (pattern: RegExp) => until(() => pattern.test(screen), 20_000, `${pattern} on the screen`);
  return {
    process,
    shows,
    screen: () => screen,
    type: (line: string) => process.writeLine(line),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

Deno.test({
  name:
    "a command in a lab has the URLs of its parties, reaches other hosts with on, and its exit code is the tool's",
  ...privateLab,
  async fn() {
    const script = 'echo "$TIMEWAIT_HOST $BACKEND $GATEWAY"; ' +
      'on gateway printf "[%s]" "a b" "\\$HOME"; echo; on backend sh -c "echo \\$TIMEWAIT_HOST"; ' +
      "on backend ip -o -4 address | grep -c 198.18.0.3; " +
      'exec 3<>/dev/tcp/198.18.0.2/8080; printf "GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" >&3; tail -c 3 <&3; echo; ' +
      "on server true; exit 7";
    const { code, stdout, stderr } = await lab("--body-bytes", "3", "--", "bash", "-c", script);
    assertEquals(code, 7, stderr);
    assertEquals(stdout.trim().split("\n"), [
      "client http://198.18.0.3:8081 http://198.18.0.2:8080",
      "[a b][$HOME]",
      "backend",
      "2",
      "xxx",
    ]);
    assertEquals(
      stderr,
      'on: "server" is no host: type on client, on gateway or on backend, and then a command, or none for a shell there\n',
    );
  },
});

Deno.test({
  name: "without a gateway there is none, one of the person's own is started, and its knobs are set",
  ...privateLab,
  async fn() {
    const range = "net.ipv4.ip_local_port_range";
    const without = await lab(
      ...["--no-gateway", "--sysctl", `${range}=21000 21999`, "--", "on", "gateway", "sh", "-c"],
      `echo "[$GATEWAY]"; ss -Htln | wc -l; cat /proc/sys/${range.replaceAll(".", "/")}`,
    );
    assertEquals(without.stdout, "[]\n0\n21000\t21999\n", without.stderr);
    const own =
      `${Deno.execPath()} eval "Deno.serve({ port: +new URL('http://{listen}').port, onListen() {} }, () => new Response())"`;
    const { code, stdout, stderr } = await lab("--gateway", own, "--", "on", "gateway", "ss", "-Htln");
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /:8080\b/);
  },
});

Deno.test("several gateways are refused, and so are flags of a gateway that is left out, and a command without --", async () => {
  const refused: [string[], string][] = [
    [["--gateway", "a {listen}", "--gateway", "b {listen}"], "error: --gateway takes one gateway"],
    [["--transport", "net-http", "--gateway", "b {listen}"], "error: --gateway takes one gateway"],
    [["--no-gateway", "--workers", "1"], "error: --no-gateway leaves the gateway out"],
    [["ss", "-s"], "error: unknown flag -s"],
    [["ss"], "error: lab takes a command after --: deno task lab -- ss"],
  ];
  for (const [args, message] of refused) {
    const { code, stdout, stderr } = await lab(...args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, message);
  }
});

Deno.test({
  name: "the shell says which host one is on, has the terminal, keeps Ctrl-C to itself, and ends everything",
  ...privateLab,
  async fn() {
    await using terminal = await startInTerminal("--latency", "5ms");
    const { type, shows } = terminal;
    await shows(/exit ends everything/);
    await type("echo tty=$(tty | cut -c-5) url=$GATEWAY");
    await shows(/tty=\/dev\/ url=http:\/\/198\.18\.0\.2:8080/);
    await shows(/client:\S+\$ echo tty/);
    // A command in the foreground, ended by Ctrl-C, and one in the background.
    await type("sleep 1000; echo code=$?");
    await until(() => descendantsOf(terminal.process.pid).some(({ name }) => name === "sleep"));
    await type("\x03");
    await type("echo after=$?");
    await shows(/^after=130/m);
    await type("sleep 1001 & jobs");
    await shows(/\[1\]\+? +Running +sleep 1001/);
    await type("on gateway");
    await type("echo here=$TIMEWAIT_HOST; ss -Htln | wc -l");
    await shows(/^here=gateway/m);
    await shows(/gateway:\S+\$ /);
    await type("exit");
    await type("echo back=$TIMEWAIT_HOST");
    await shows(/^back=client/m);
    const started = descendantsOf(terminal.process.pid);
    await type("exit 5");
    assertEquals((await terminal.process.exited).code, 5, terminal.screen());
    assert(!/cannot set terminal|no job control|Inappropriate/.test(terminal.screen()), terminal.screen());
    await until(() => started.every(({ pid }) => !isAlive(pid)));
  },
});

for (const kind of ["private", "host"]) {
  Deno.test({
    name:
      `kill -9 of the tool leaves nothing of a ${kind} lab: no party, no shell, nothing the shell has started, no folder`,
    ...(kind === "private" ? privateLab : {}),
    async fn() {
      await using terminal = await startInTerminal("--lab", kind);
      const { type, shows } = terminal;
      await shows(/exit ends everything/);
      if (kind === "host") {
        assertStringIncludes(terminal.screen(), "A host lab. Client, gateway and backend are this machine");
      }
      await type(
        "sleep 1002 & setsid sleep 1003 & echo folder=$TIMEWAIT_BIN $(on gateway echo host=$TIMEWAIT_HOST)",
      );
      await shows(/^folder=\/\S+ host=/m);
      const folder = /^folder=(\/\S+)/m.exec(terminal.screen())![1]!;
      await until(() => descendantsOf(terminal.process.pid).length > 0);
      const started = descendantsOf(terminal.process.pid);
      const tool = started.find(({ args }) => args.includes("tools/lab.ts") && args.includes(" run "))!;
      Deno.kill(tool.pid, "SIGKILL");
      await until(() => started.filter(({ name }) => name !== "script").every(({ pid }) => !isAlive(pid)));
      await until(async () => !(await exists(folder)));
    },
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

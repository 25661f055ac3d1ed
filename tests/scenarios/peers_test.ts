/** The gateways that ours are measured beside, as start.sh starts them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { startBackend } from "../../tools/parties/backend_server.ts";
import { quoteForShell } from "../../tools/scenario/placeholders.ts";
import { descendantsOf } from "../support/descendants.ts";
import { peers, privateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";
import { isAlive, until } from "../support/until.ts";

const PEERS = ["nginx", "haproxy", "go", "misuse", "caddy"];
const UPSTREAM_PORT = "8081";

/** A copy of the peers in a folder whose name a shell and `sed` each take for something else. */
async function copyPeers(): Promise<{ readonly base: string; readonly folder: string } & AsyncDisposable> {
  const base = await Deno.makeTempDir();
  const folder = `${base}/it's #1|& "x" \\1`;
  await Deno.mkdir(`${base}/scratch`);
  await Deno.mkdir(folder);
  for await (const { name } of Deno.readDir(`${ROOT}scenarios/peers`)) {
    await Deno.copyFile(`${ROOT}scenarios/peers/${name}`, `${folder}/${name}`);
  }
  return { base, folder, [Symbol.asyncDispose]: () => Deno.remove(base, { recursive: true }) };
}

/** A port of loopback that nobody listens on now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Runs a program to its end, and returns what it says. */
async function run(program: string, args: readonly string[], options: Deno.CommandOptions = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    ...options,
  })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const pidsBelow = (pid: number) => descendantsOf(pid).map(({ pid }) => pid);

/** A program that is killed with all below it, should its test end before it does. */
function start(
  program: string,
  options: Deno.CommandOptions,
): AsyncDisposable & { readonly child: Deno.ChildProcess } {
  const child = new Deno.Command(program, { stdin: "null", stdout: "null", stderr: "null", ...options })
    .spawn();
  return {
    child,
    async [Symbol.asyncDispose]() {
      for (const pid of [child.pid, ...pidsBelow(child.pid)].filter(isAlive)) Deno.kill(pid, "SIGKILL");
      await child.status;
    },
  };
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

for (const peer of PEERS) {
  Deno.test({
    name: `${peer} forwards from wherever its files were copied to, and SIGTERM leaves nothing of it`,
    ignore: peers.ignore,
    async fn() {
      await using copy = await copyPeers();
      await using backend = startBackend({ listen: { hostname: "127.0.0.1", port: 0 }, status: 203 });
      const port = freePort();
      const upstream = new URL(backend.url);
      await using started = start(`${copy.folder}/start.sh`, {
        args: [peer, "127.0.0.1", `${port}`, upstream.hostname, upstream.port, "100"],
        env: { TMPDIR: `${copy.base}/scratch` },
      });
      const { child } = started;
      await until(async () => await statusOf(`http://127.0.0.1:${port}/`) === 203, 30_000);
      const all = [child.pid, ...pidsBelow(child.pid)];
      assert(all.length >= 2, "the peer is a child of its script");
      child.kill("SIGTERM");
      assertEquals((await child.status).code, 0);
      await until(() => !all.some(isAlive));
      assertEquals(Array.from(Deno.readDirSync(`${copy.base}/scratch`)), []);
    },
  });

  Deno.test({
    name: `SIGKILL and SIGTERM of a lab leave nothing of ${peer} in it`,
    ignore: peers.ignore || privateLab.ignore,
    async fn() {
      await using copy = await copyPeers();
      const script = quoteForShell(`${copy.folder}/start.sh`);
      const command = `${script} ${peer} {listen_host} {listen_port} {upstream_host} {upstream_port} 100`;
      await Promise.all((["SIGKILL", "SIGTERM"] as const).map(async (signal) => {
        await using started = start(Deno.execPath(), {
          args: ["run", "--no-prompt", "--cached-only", "--allow-run", "--allow-read", "--allow-env"]
            .concat("--allow-write", "--allow-sys", `${ROOT}tools/lab.ts`, "--lab", "private", "--gateway")
            .concat(command, "--", "sh", "-c", "echo up; exec sleep 1234"),
          env: { TMPDIR: `${copy.base}/scratch` },
          stdout: "piped",
        });
        const { child } = started;
        const output = child.stdout.getReader();
        assertEquals(new TextDecoder().decode((await output.read()).value), "up\n");
        const all = [child.pid, ...pidsBelow(child.pid)];
        const { stdout } = await run("ps", ["-o", "args=", "-p", all.join()]);
        assertMatch(
          stdout,
          {
            nginx: /nginx: worker/,
            haproxy: /haproxy -q/,
            go: /reverse_proxy -listen/,
            misuse: /misuse -listen/,
            caddy: /caddy run --config/,
          }[peer]!,
        );
        child.kill(signal);
        await child.status;
        await output.cancel();
        await until(() => !all.some(isAlive));
      }));
      // What Timewait itself keeps there has a name of its own.
      const left = Array.from(Deno.readDirSync(`${copy.base}/scratch`), ({ name }) => name);
      assertEquals(left.filter((name) => name.startsWith("tmp.")), []);
    },
  });

  Deno.test(`where ${peer} is not installed, one line says what to install`, async () => {
    await using copy = await copyPeers();
    // The folder holds the tools that start.sh uses, and no peer; the folders that start.sh adds are hidden.
    await Deno.mkdir(`${copy.base}/bin`);
    for (const tool of ["dirname", "mktemp", "rm", "sed"]) {
      await Deno.symlink(
        (await run("sh", ["-c", `command -v ${tool}`])).stdout.trim(),
        `${copy.base}/bin/${tool}`,
      );
    }
    const script = (await Deno.readTextFile(`${copy.folder}/start.sh`)).replace(
      /PATH="\$PATH:[^"]*"/,
      "PATH",
    );
    await Deno.writeTextFile(`${copy.folder}/start.sh`, script);
    const { code, stdout, stderr } = await run(
      `${copy.folder}/start.sh`,
      [peer, "127.0.0.1", "1", "127.0.0.1", UPSTREAM_PORT, "100"],
      { env: { PATH: `${copy.base}/bin`, TMPDIR: `${copy.base}/scratch` } },
    );
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      new RegExp(`^${peer === "misuse" ? "go" : peer} is not installed: apt-get install [a-z-]+\\n$`),
    );
    assertEquals(Array.from(Deno.readDirSync(`${copy.base}/scratch`)), []);
  });
}

Deno.test("a peer that is none is told with those that are, and missing words with the usage, in a line", async () => {
  const script = `${ROOT}scenarios/peers/start.sh`;
  for (const name of ["apache", "start", "../peers/nginx/", ""]) {
    const { code, stdout, stderr } = await run(script, [
      name,
      "127.0.0.1",
      "1",
      "127.0.0.1",
      UPSTREAM_PORT,
      "1",
    ]);
    assertEquals([code, stdout], [2, ""]);
    assertEquals(stderr, `there is no peer ${name}; known are caddy go haproxy misuse nginx node\n`);
  }
  for (const args of [[], ["nginx"], ["nginx", "127.0.0.1", "1", "127.0.0.1", UPSTREAM_PORT]]) {
    const { code, stderr } = await run(script, args);
    assertEquals(code, 2);
    assertMatch(stderr, /^usage: start\.sh PEER [^\n]*\n$/);
  }
});

Deno.test({
  name: "the commands in the head of reverse_proxy.go run",
  ignore: peers.ignore,
  async fn() {
    await using copy = await copyPeers();
    await using backend = startBackend({ listen: { hostname: "127.0.0.1", port: 0 }, status: 203 });
    const text = await Deno.readTextFile(`${copy.folder}/reverse_proxy.go`);
    const commands = [...text.matchAll(/^\/\/\t(.*)$/gm)].map((match) => match[1]!);
    assertEquals(commands.map((command) => command.split(" ")[0]), ["go", "./reverse_proxy"]);
    const port = freePort();
    const command = commands[1]!.replace("127.0.0.1:8080", `127.0.0.1:${port}`)
      .replace("http://127.0.0.1:8081", backend.url);
    await using _started = start("sh", {
      args: ["-c", `${commands[0]} && exec ${command}`],
      cwd: copy.folder,
    });
    await until(async () => await statusOf(`http://127.0.0.1:${port}/`) === 203, 30_000);
  },
});

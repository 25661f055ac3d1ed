import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { UnavailableError } from "../../../tools/errors.ts";
import { connectHost } from "../../../tools/lab/remote/remote_host.ts";
import { connectRemoteLab } from "../../../tools/lab/remote/remote_lab.ts";
import type { ProcessOptions } from "../../../tools/lab/process.ts";
import { privateLab } from "../../support/requirements.ts";
import { allShells, prefixOf, SHELLS } from "../../support/shells.ts";
import { isAlive, until } from "../../support/until.ts";

const connect = (prefix: string) => connectHost({ name: "gateway", prefix, address: "" });

for (const shell of SHELLS) {
  Deno.test(
    `${shell}: a command gets its words, its variables and its input, and tells how it ended`,
    allShells,
    async () => {
      await using there = await prefixOf(shell);
      await using host = await connect(there.prefix);
      const hard = "a 'b' \"c\" $HOME `id` \\ * ;\n%s é";
      const lines: string[] = [];
      const start = (options: Pick<ProcessOptions, "argv"> & Partial<ProcessOptions>) =>
        host.start({ name: "it", onStdout: (line) => lines.push(line), ...options });
      const show = 'printf "%s|" "$@" "$WORD"; read -r line; echo "$line"; echo oops >&2; exit 3';
      const child = await start({ argv: ["sh", "-c", show, "sh", hard, ""], env: { WORD: hard } });
      await child.writeLine("it's read");
      assertEquals(await child.exited, { code: 3, stderr: ["oops"] });
      assertEquals(lines.join("\n"), `${hard}||${hard}|it's read`);

      const killed = await start({ argv: ["sh", "-c", "kill -9 $$"] });
      assertEquals((await killed.exited).code, 137);
      const missing = await start({ argv: ["no_such_program"] });
      const status = await missing.exited;
      assertEquals(status.code, 127);
      assertStringIncludes(status.stderr.join("\n"), "no_such_program");
    },
  );

  Deno.test(
    `${shell}: a process that ignores SIGTERM is killed with all that it has started`,
    allShells,
    async () => {
      await using there = await prefixOf(shell);
      await using host = await connect(there.prefix);
      const pids: number[] = [];
      const child = await host.start({
        name: "stubborn",
        argv: ["sh", "-c", "trap '' TERM; sleep 1000 & echo $! $$; wait; wait"],
        onStdout: (line) => pids.push(...line.split(" ").map(Number)),
      });
      await until(() => pids.length === 2);
      assertEquals(child.pid, pids[1]);
      assertEquals((await child.stop(200)).code, 137);
      await until(() => !pids.some(isAlive));
      // The host goes on.
      assertEquals((await host.readProc("/proc/sys/kernel/ostype"))[0]?.trim(), "Linux");
    },
  );

  Deno.test(`${shell}: files of /proc are read as they are there`, allShells, async () => {
    await using there = await prefixOf(shell);
    await using host = await connect(there.prefix);
    const [type, none, stats, long] = await host.readProc(
      "/proc/sys/kernel/ostype",
      "/proc/no_such_file",
      "/proc/[1-9]*/stat",
      "/proc/cpuinfo",
    );
    assertEquals([type, none], ["Linux\n", undefined]);
    assert(stats!.split("\n").some((line) => line.startsWith(`${Deno.pid} (`)));
    assertStringIncludes(long!, "processor");
    assertEquals(host.far.kernel, Deno.osRelease());
    assertEquals([host.far.uid, host.far.programs.wrk], [Deno.uid()!, undefined]);
    assertGreater(host.far.cpus, 0);
    assertGreater(host.far.fileLimit, 100);
  });
}

Deno.test(
  "without setsid there a process is stopped alone, and its shell still tells how it ended",
  allShells,
  async () => {
    await using there = await prefixOf("dash");
    await using host = await connect(there.prefix);
    assertEquals(host.far.programs.setsid, undefined);
    const pids: number[] = [];
    const child = await host.start({
      name: "a group",
      argv: ["sh", "-c", "sleep 1000 & echo $!; wait"],
      stopsGroup: true,
      onStdout: (line) => pids.push(Number(line)),
    });
    await until(() => pids.length === 1);
    assertEquals((await child.stop()).code, 143);
    await until(() => !pids.some(isAlive));
  },
);

Deno.test("output comes through as it is written, binary and in any amount, to whoever reads slowly", async () => {
  await using host = await connect("");
  const bytes = await host.$`head -c 3000000 /dev/zero; printf '\x1e\x1eab'`.bytes();
  assertEquals(bytes.length, 3_000_004);
  assertEquals([...bytes.slice(-5)], [0, 0x1e, 0x1e, 97, 98]);
  const input = crypto.getRandomValues(new Uint8Array(60_000));
  assertEquals(await host.$`cat`.stdin(input).bytes(), input);
});

Deno.test("a host that cannot be reached is one line with what its client said", async () => {
  const refused = await assertRejects(
    () => connect("sh -c 'echo no such pod >&2; exit 0' x"),
    UnavailableError,
  );
  assertEquals(refused.message, "sh -c 'echo no such pod >&2; exit 0' x sh has ended: no such pod");
  const odd = await assertRejects(() => connect("echo"), UnavailableError);
  assertEquals(odd.message, "echo sh has ended: sh");
  const secret = await assertRejects(() => connect("env API_TOKEN=abcdefgh false"), UnavailableError);
  assertEquals(secret.message, "env API_TOKEN=*** false sh has ended");
});

Deno.test("to a host that has not said who it is goes the program, and nothing besides", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/way`, `#!/bin/sh\ntimeout 2.5 cat >${folder}/input\n`, {
      mode: 0o700,
    });
    await assertRejects(() => connect(`${folder}/way`), UnavailableError, "has ended");
    const lines = (await Deno.readTextFile(`${folder}/input`)).trimEnd().split("\n");
    assertMatch(lines.at(-1)!, /' 'sh' '[0-9a-f]{32}'$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a host that does not answer is waited for until another one fails, or the wait is ended", async () => {
  const seconds = String(1e6 + Math.floor(Math.random() * 1e8));
  const silent = { prefix: `sleep ${seconds} #`, address: "" };
  const left = () => new Deno.Command("pgrep", { args: ["-f", `sleep ${seconds}`] }).outputSync().code === 0;
  const failed = { prefix: "sh -c 'echo no such pod >&2; exit 0' x", address: "" };
  const lab = connectRemoteLab({ client: [silent], gateway: failed, backend: silent });
  const { message } = await assertRejects(() => deadline(lab, 10_000), UnavailableError);
  assertStringIncludes(message, "no such pod");
  assertEquals(left(), false);

  const control = new AbortController();
  const connected = connectRemoteLab({ client: [silent], signal: control.signal });
  await until(left);
  control.abort(new Error("enough"));
  await assertRejects(() => deadline(connected, 10_000), Error, "enough");
  assertEquals(left(), false);
});

Deno.test("what a client and start-up files say is no output of a command", async () => {
  await using host = await connect(
    `sh -c 'echo Welcome; echo Defaulted container >&2; "$@"; echo command terminated >&2; exit 5' x`,
  );
  assertEquals(await host.$`echo out; echo err >&2`.captureCombined().quiet().text(), "out\nerr");
  const child = await host.start({ name: "it", argv: ["sh", "-c", "exit 7"] });
  assertEquals(await child.exited, { code: 7, stderr: [] });
});

Deno.test("a client that ends with 0 ahead of the last line has failed, whatever it says", async () => {
  const folder = await Deno.makeTempDir();
  // The first client, which holds the lease, is sound.
  const client = `mkdir ${folder}/first 2>/dev/null && exec "$@"; "$@" | head -c 120; exit 0`;
  try {
    await using host = await connect(`sh -c '${client}' x`);
    const child = await host.start({
      name: "it",
      argv: ["sh", "-c", "while echo spam; do :; done; exec sleep 1000"],
    });
    const { code, stderr } = await child.exited;
    assertEquals(code, 1);
    assertStringIncludes(stderr.at(-1)!, "sh ended ahead of the last line from there");
    await until(() => !isAlive(child.pid));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test(
  "nothing of this process's environment goes there, and what is set on a command does",
  allShells,
  async () => {
    await using there = await prefixOf("bash", { others: true });
    await using host = await connect(there.prefix);
    Deno.env.set("TIMEWAIT_TEST_SECRET", "secret");
    try {
      const variables = await host.$`env`.env("OWN", "mine").text();
      assertEquals(variables.includes("secret"), false);
      assertStringIncludes(variables, "OWN=mine");
      const lines: string[] = [];
      const child = await host.start({ name: "it", argv: ["env"], onStdout: (line) => lines.push(line) });
      await child.exited;
      assertEquals(lines.join("\n").includes("secret"), false);
    } finally {
      Deno.env.delete("TIMEWAIT_TEST_SECRET");
    }
  },
);

Deno.test("a host without what the far end needs is refused in one line", allShells, async () => {
  await using there = await prefixOf("dash");
  await Deno.remove(`${there.folder}/sleep`);
  const lacking = await assertRejects(() => connect(there.prefix), UnavailableError);
  assertEquals(lacking.message, `${there.prefix} sh finds no sleep there, and needs it`);
});

Deno.test("a /proc that is not that of the shell's processes is refused", privateLab, async () => {
  const other = await assertRejects(() => connect("unshare -Urpf --"), UnavailableError);
  assertStringIncludes(other.message, "sees no /proc, or that of another PID namespace");
});

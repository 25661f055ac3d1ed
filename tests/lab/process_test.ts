import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { CommandNotFoundError, findCommand } from "../../tools/lab/find_command.ts";
import {
  keepExitCode,
  LONGEST_LINE,
  reasonOfExit,
  runCommand,
  startProcess,
} from "../../tools/lab/process.ts";
import { isAlive, until } from "../support/until.ts";
import { within } from "../support/waiting.ts";

Deno.test("a child runs with its lines handed over and its input open", async () => {
  const lines: string[] = [];
  const argv = ["sh", "-c", 'echo first; read -r line; echo "got $line"; printf "no line end"'];
  await using child = await startProcess([], { name: "child", argv, onStdout: (line) => lines.push(line) });
  await until(() => lines.includes("first"));
  await child.writeLine("a line");
  assertEquals((await child.exited).code, 0);
  assertEquals(lines, ["first", "got a line", "no line end"]);
});

Deno.test("the process id is that of the program itself", async () => {
  const lines: string[] = [];
  const argv = ["sh", "-c", "echo $$; exec sleep 100"];
  await using child = await startProcess([], { name: "child", argv, onStdout: (line) => lines.push(line) });
  await until(() => lines.length > 0);
  assertEquals(lines, [String(child.pid)]);
});

Deno.test("stopping ends a child that ignores SIGTERM, and every process it has started", async () => {
  const pids: number[] = [];
  const argv = ["sh", "-c", 'trap "" TERM; sleep 1000 & echo $!; echo $$; wait; sleep 1000'];
  const child = await startProcess([], { name: "child", argv, onStdout: (line) => pids.push(Number(line)) });
  await until(() => pids.length === 2);
  await child.stop(50);
  await until(() => !pids.some(isAlive));
});

Deno.test("a child that has left a daemon behind is stopped all the same", async () => {
  const pids: number[] = [];
  const argv = ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 1000' & wait"];
  const child = await startProcess([], { name: "child", argv, onStdout: (line) => pids.push(Number(line)) });
  await until(() => pids.length === 1);
  assertEquals((await child.stop(10)).code > 128, true);
  Deno.kill(pids[0]!, "SIGKILL");
  await child.exited;
});

Deno.test("a child that has ended is known to have, whatever holds its output open", async () => {
  const lines: string[] = [];
  const script = 'sleep 1000 & echo half >&2; printf "no config" >&2; exit 4';
  const onStderr = (line: string) => lines.push(line);
  await using child = await startProcess([], { name: "child", argv: ["sh", "-c", script], onStderr });
  const { code, stderr } = await within(child.exited, "the end of the child");
  assertEquals([code, stderr, lines], [4, ["half", "no config"], ["half", "no config"]]);
});

Deno.test("a child that a signal has ended does not look as if it had ended well", async () => {
  await using child = await startProcess([], { name: "child", argv: ["sleep", "1000"] });
  Deno.kill(child.pid, "SIGKILL");
  const status = await child.exited;
  assertEquals(status.code, 137);
  assertEquals(reasonOfExit(status), "ended by signal 9");
});

Deno.test("the last words of a child are its last line on standard error and its exit code", async () => {
  const argv = ["sh", "-c", "echo one >&2; echo two >&2; echo >&2; exit 3"];
  await using child = await startProcess([], { name: "child", argv });
  assertEquals(reasonOfExit(await child.exited), "two (exit code 3)");
});

Deno.test("a prefix that cannot be entered fails the start with its reason", async () => {
  const start = () =>
    startProcess(["/bin/sh", "-c", "echo no way in >&2; exit 1"], { name: "child", argv: ["true"] });
  await assertRejects(start, Error, "could not start child: no way in (exit code 1)");
});

Deno.test("a program runs only after the bench has noted it", async () => {
  const lines: string[] = [];
  await using _child = await startProcess(
    [],
    { name: "child", argv: ["echo", "ran"], onStdout: (line) => lines.push(line) },
    async (process) => {
      assert(isAlive(process.pid));
      await new Promise((resolve) => setTimeout(resolve, 50));
      assertEquals(lines, []);
    },
  );
  await until(() => lines.includes("ran"));
});

Deno.test("a command that is missing is named, with the package it comes in", () => {
  assertThrows(
    () => findCommand("no-such-command"),
    CommandNotFoundError,
    "no-such-command was not found on PATH",
  );
  assertStringIncludes(new CommandNotFoundError("wrk").message, "apt-get install wrk");
});

Deno.test("a command that fails is reported with what it said", async () => {
  await assertRejects(
    () => runCommand(["sh", "-c", "echo broken >&2; exit 2"]),
    Error,
    "broken (exit code 2)",
  );
  assertEquals(await runCommand(["echo", "a b"]), "a b\n");
});

Deno.test("the reason of a child is its error line, however long the stack trace below it is", async () => {
  const script =
    'echo "error: no such thing" >&2; for i in $(seq 40); do echo "  $i: <unknown>" >&2; done; exit 1';
  await using child = await startProcess([], { name: "child", argv: ["sh", "-c", script] });
  assertEquals(reasonOfExit(await child.exited), "error: no such thing (exit code 1)");
});

Deno.test("a line without an end is cut off, on either output, and in the reason", async () => {
  const lines: string[] = [];
  const script = "for fd in 1 2; do head -c 30000000 /dev/zero | tr '\\0' x >&$fd; done; echo >&2; exit 1";
  await using child = await startProcess([], {
    name: "child",
    argv: ["sh", "-c", script],
    onStdout: (line) => lines.push(line),
    onStderr: (line) => lines.push(line),
  });
  const status = await child.exited;
  assertEquals(lines.map((line) => line.length), [LONGEST_LINE + 1, LONGEST_LINE + 1]);
  assert(lines.every((line) => line.endsWith("x…")));
  assert(status.stderr.join("").length <= LONGEST_LINE + 1);
  assert(reasonOfExit(status).length < 600);
});

Deno.test("no Deno among the children asks the network for a newer one", async () => {
  const lines: string[] = [];
  const argv = ["sh", "-c", 'echo "$DENO_NO_UPDATE_CHECK"'];
  await using child = await startProcess([], { name: "child", argv, onStdout: (line) => lines.push(line) });
  await child.exited;
  assertEquals(lines, ["1"]);
});

Deno.test("a child that the kernel kills for want of memory is told from one that somebody else kills", () => {
  const counters = Deno.makeTempFileSync();
  try {
    for (const [kills, told] of [[7, false], [8, true]] as const) {
      Deno.writeTextFileSync(counters, "oom 7\noom_kill 7\n");
      const inside = `mount -t tmpfs none /sys/fs/cgroup; mount --bind ${counters} /proc/vmstat; exec "$@"`;
      const { code, stderr } = new Deno.Command("unshare", {
        // deno-fmt-ignore
        args: ["--user", "--map-root-user", "--mount", "sh", "-c", inside, "sh", ...keepExitCode("ended "),
          "sh", "-c", `printf 'oom_kill ${kills}\\n' >${counters}; kill -9 $$`],
      }).outputSync();
      assertEquals(code, 137);
      assertEquals(new TextDecoder().decode(stderr).startsWith("out of memory: "), told);
    }
  } finally {
    Deno.removeSync(counters);
  }
});

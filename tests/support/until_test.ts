import { assertEquals } from "@std/assert";
import { isAlive, until } from "./until.ts";

Deno.test("a process is alive while it runs, and neither when nobody has waited for it nor when it is gone", async () => {
  // The child ends with its input, and the shell becomes a program that never waits for it.
  const child = new Deno.Command("sh", {
    args: ["-c", "exec 3<&0; cat <&3 >&2 & echo $!; exec sleep 1000"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const reader = child.stdout.getReader();
    const unwaited = Number(new TextDecoder().decode((await reader.read()).value));
    await reader.cancel();
    assertEquals([child.pid, unwaited].map(isAlive), [true, true]);
    await child.stdin.close();
    await until(() => !isAlive(unwaited));
    // It is there for the kernel, which would say so otherwise.
    Deno.kill(unwaited, 0);
    assertEquals(isAlive(child.pid), true);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  assertEquals(isAlive(child.pid), false);
});

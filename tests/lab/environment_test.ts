/** What the environment of this process must not change. All files of a process share it. */

import { assert, assertEquals } from "@std/assert";
import { findCommand } from "../../tools/lab/find_command.ts";
import { startProcess } from "../../tools/lab/process.ts";
import "../support/one_at_a_time.ts";

Deno.test("a child has no proxy of the user's, and its limit of open files is the hard one", async () => {
  const lines: string[] = [];
  Deno.env.set("http_proxy", "http://127.0.0.1:1");
  try {
    const argv = ["sh", "-c", 'echo "[$http_proxy]"; ulimit -Sn; ulimit -Hn'];
    const onStdout = (line: string) => lines.push(line);
    const lowered = ["/bin/sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh"];
    await using child = await startProcess(lowered, { name: "child", argv, onStdout });
    await child.exited;
  } finally {
    Deno.env.delete("http_proxy");
  }
  assertEquals(lines[0], "[]");
  assertEquals(lines[1], lines[2]);
});

Deno.test("commands are found where an ordinary user's PATH does not lead, and past directories of others", () => {
  const path = Deno.env.get("PATH")!;
  Deno.env.set("PATH", "/root/nowhere:/bin");
  try {
    assert(findCommand("ip").endsWith("/ip"));
  } finally {
    Deno.env.set("PATH", path);
  }
});

Deno.test("where HOME is not set a child has the home of its user, in which Deno keeps what it has loaded", async () => {
  const home = Deno.env.get("HOME");
  const lines: string[] = [];
  Deno.env.delete("HOME");
  try {
    const argv = ["sh", "-c", 'echo "$HOME"; getent passwd "$(id -u)" | cut -d: -f6'];
    await using child = await startProcess([], { name: "child", argv, onStdout: (line) => lines.push(line) });
    await child.exited;
  } finally {
    if (home !== undefined) Deno.env.set("HOME", home);
  }
  assertEquals(lines[0], lines[1]);
  assert(lines[0] !== "");
});

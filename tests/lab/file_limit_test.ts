import { assertEquals, assertMatch } from "@std/assert";
import { filesNeeded, parseHardFileLimit } from "../../tools/lab/file_limit.ts";

const BENCH = new URL("../../tools/bench.ts", import.meta.url).pathname;

Deno.test("a gateway needs two open files for each connection, a direct run one", () => {
  assertEquals(filesNeeded(1000, true) - filesNeeded(500, true), 1000);
  assertEquals(filesNeeded(1000, false) - filesNeeded(500, false), 500);
});

Deno.test("the hard limit is read from what the kernel prints of it", () => {
  const limits = (hard: string) =>
    `Limit      Soft Limit  Hard Limit  Units\nMax open files            1024                 ${hard}               files\n`;
  assertEquals(parseHardFileLimit(limits("4096")), 4096);
  assertEquals(parseHardFileLimit(limits("unlimited")), Infinity);
});

Deno.test("too few open files for the connections is told before the run, with the command that raises the limit", async () => {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 500; exec "$@"', "sh", Deno.execPath(), "run", "--no-prompt", "--cached-only"]
      .concat(
        ["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys", BENCH],
        ["--lab", "host", "--connections", "300"],
      ),
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals([code, stdout.length], [2, 0], text);
  assertMatch(
    text,
    /^error: --connections 300 takes 664 open files [^\n]* limit here is 500: sudo prlimit --nofile=664 --pid \$\$ [^\n]* --connections 218\n$/,
  );
});

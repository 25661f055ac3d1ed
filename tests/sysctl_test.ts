import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SYSCTL_FACTS } from "../tools/lab/knob_facts.ts";
import { ROOT } from "./support/root.ts";

async function task(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "sysctl", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("deno task sysctl shows each knob with its value, what it does and does not do, and its source", async () => {
  const { code, stdout, stderr } = await task();
  assertEquals([code, stderr], [0, ""]);
  for (const { key } of SYSCTL_FACTS) assertStringIncludes(stdout, `${key} = `);
  assertMatch(stdout, /tcp_fin_timeout = \d+\n.*\n {2}does not {2}shorten TIME_WAIT/);
  assertMatch(stdout, /tcp_tw_recycle: removed in Linux 4\.12/);
  assertEquals(stdout.match(/^ {2}source {4}https:\/\/docs\.kernel\.org\//gm)?.length, SYSCTL_FACTS.length);
});

Deno.test("deno task sysctl takes restore and nothing else", async () => {
  const { code, stderr } = await task("restor");
  assertEquals(code, 2);
  assertStringIncludes(stderr, "did you mean restore?");
});

Deno.test("--quiet is for restore", async () => {
  const { code, stdout, stderr } = await task("--quiet");
  assertEquals([code, stdout, stderr], [2, "", "error: --quiet is for restore: sysctl restore --quiet\n"]);
});

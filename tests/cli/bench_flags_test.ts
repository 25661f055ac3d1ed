import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { ROOT } from "../support/root.ts";
import { toKebabCase } from "@std/text";
import {
  BENCH_FLAGS,
  commandOf,
  FLAGS_OF_WRK,
  flagsWithoutEffect,
  sysctlsOf,
} from "../../tools/cli/bench_flags.ts";
import { parseFlags } from "../../tools/cli/parse_flags.ts";

const parse = (...args: string[]) =>
  parseFlags({ name: "bench", positionals: "[SCENARIO]…", flags: BENCH_FLAGS }, args);

/** "Measure it again" for each scenario that was named. */
const again = (...args: string[]) => {
  const { words, positionals } = parse(...args);
  return positionals.map((name) => commandOf(name, words, ROOT));
};

Deno.test("the command that measures again is what was typed, less where the output went", () => {
  const typed = ["--quick", "gateways", "--connections=5", "--header", "X: it's"];
  const same = ["deno task bench gateways --quick --connections=5 --header 'X: it'\\''s'"];
  assertEquals(again(...typed), same);
  for (
    const output of [["--json", "x"], ["--json=x"], ["--out", "gateways"], ["--html", "a b.html"], [
      "--json",
      "-",
    ]]
  ) {
    assertEquals(again(...output, ...typed), same, output.join(" "));
    assertEquals(again(...typed, ...output), same, output.join(" "));
  }
});

Deno.test("of several scenarios each has a command of its own, and a value that is named like one stays", () => {
  assertEquals(again("two_gates", "--script", "two_gates", "./my scenario.ts", "--out", "two_gates"), [
    "deno task bench two_gates --script two_gates",
    "deno task bench './my scenario.ts' --script two_gates",
  ]);
});

Deno.test("the command that measures again says the same to bench when a shell has read it", async () => {
  const typed = [
    ...["a b.ts", "--gateway", "mine=sh -c 'exec gw \"$1\"' {listen} #", "--sysctl", "net.core.somaxconn=1"],
    ...["--header=A: `b` \\ $C", "--until", "3%", "--sysctl=client:net/ipv4/ip_local_port_range=1 2"],
  ];
  const [command] = again(...typed);
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", command!.replace("deno task bench", "printf '%s\\0'")],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\0").slice(0, -1), typed);
});

Deno.test("a flag that changes nothing is told, and one that does is not", () => {
  const notes = (args: string[], lab = "private", generator = "wrk") =>
    flagsWithoutEffect(parse(...args).options, { lab, generator });
  assertEquals(notes(["--quick", "--repeat", "3", "--duration", "2s"]), [
    "--quick changes nothing beside --repeat and --duration",
  ]);
  assertEquals(notes(["--quick"]), []);
  assertEquals(notes(["--quick", "--repeat", "3"]), [
    "--quick gives the length of a load alone: --repeat 3 says how often each run is measured",
  ]);
  assertEquals(notes(["--quick", "--duration", "2s"]), []);
  assertEquals(notes(["--allow-host-sysctl"]), [
    "--allow-host-sysctl changes nothing in a private lab, whose sysctls are its own",
  ]);
  assertEquals(notes(["--allow-host-sysctl"], "host"), []);
  assertEquals(notes(["--threads", "2"], "private", "autocannon"), [
    "--threads is for wrk: the load comes from autocannon, in one thread",
  ]);
  assertEquals(notes(["--threads", "2"]), []);
});

Deno.test("the sysctls of the command line are named as those of a scenario, the last of a name holds", () => {
  const args = ["net.ipv4.tcp_tw_reuse=0", "client:net/core/somaxconn=5", "gateway:net.ipv4.tcp_tw_reuse=1"];
  assertEquals(sysctlsOf(parse(...args.flatMap((arg) => ["--sysctl", arg])).options), {
    "net.ipv4.tcp_tw_reuse": "1",
    "client:net.core.somaxconn": "5",
  });
});

Deno.test("what wrk's flags are called here are flags that there are", () => {
  const known = Object.keys(BENCH_FLAGS).map((key) => `--${toKebabCase(key)}`);
  const named = Object.values(FLAGS_OF_WRK).map((text) => text.split(",")[0]!);
  assertEquals(named.filter((flag) => !known.includes(flag)), []);
});

Deno.test("a sysctl without a value is refused as it was typed", () => {
  const error = assertThrows(() => parse("--sysctl", "foo"), TimewaitError);
  assertEquals(
    error.message,
    '--sysctl takes KEY=VALUE such as net.ipv4.tcp_tw_reuse=0, not "foo", which has no =',
  );
});

import { parseBytes, parseDurationMs, parseListen, parseText, parseWhole } from "../../tools/cli/values.ts";
import { TimewaitError } from "../../tools/errors.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { flagOf, isGiven, listFlag, mainOf, switchFlag, valueFlag } from "../../tools/cli/command_line.ts";
import { parseFlags } from "../../tools/cli/parse_flags.ts";

const command = {
  name: "demo",
  positionals: "[NAME…]",
  foreignFlags: { "-c": "--connections" },
  flags: {
    latency: valueFlag("DURATION", "", parseDurationMs, 0),
    poolMaxIdlePerHost: valueFlag("N", "", parseWhole(0), 100),
    script: valueFlag("FILE", "", parseText, undefined),
    header: listFlag("HEADER", "", parseText),
    quick: switchFlag(""),
  },
};

Deno.test("flags that are not given take their defaults", () => {
  const { options, positionals } = parseFlags(command, []);
  assertEquals(options, { latency: 0, poolMaxIdlePerHost: 100, script: undefined, header: [], quick: false });
  assertEquals(positionals, []);
});

Deno.test("flags in kebab-case arrive in camelCase, and positionals stay texts", () => {
  const args = [
    "--pool-max-idle-per-host",
    "7",
    "a",
    "--latency=70ms",
    "--header",
    "A: 1",
    "--header=B: 2",
    "--quick",
    "42",
  ];
  const { options, positionals } = parseFlags(command, args);
  assertEquals(options.poolMaxIdlePerHost, 7);
  assertEquals(options.latency, 70);
  assertEquals(options.header, ["A: 1", "B: 2"]);
  assertEquals(options.quick, true);
  assertEquals(positionals, ["a", "42"]);
});

Deno.test("a lone dash is a value", () => {
  const { options, positionals } = parseFlags(command, ["--script", "-", "a"]);
  assertEquals(options, { latency: 0, poolMaxIdlePerHost: 100, script: "-", header: [], quick: false });
  assertEquals(positionals, ["a"]);
});

const REFUSED: [string, string[], string][] = [
  ["an unknown flag with the nearest one named", ["--latencies", "1s"], "did you mean --latency?"],
  ["an unknown flag near nothing with the way to help", ["--zzzzzzzzzzz"], "--help lists them"],
  ["a short unknown flag", ["-x"], "unknown flag -x"],
  ["a flag without its value", ["--latency"], "--latency needs a value: --latency DURATION"],
  ["a flag with another flag for a value", ["--latency", "--quick"], "--latency needs a value"],
  ["an empty value", ["--latency", ""], '--latency takes a duration such as 500ms, 10s or 2m, not ""'],
  [
    "a value that looks like a flag",
    ["--latency", "-1"],
    '--latency takes a duration such as 500ms, 10s or 2m, not "-1"',
  ],
  ["a number below the least", ["--pool-max-idle-per-host=-1"], "takes a whole number of at least 0"],
  ["what wrk calls it", ["-c", "5"], "unknown flag -c; here it is --connections"],
  ["what wrk calls it, with its value", ["-c5"], "unknown flag -c; here it is --connections"],
  ["a word behind a switch", ["--quick", "true"], "--quick takes no value"],
  ["a flag given twice", ["--latency", "1s", "--latency", "2s"], "--latency was given 2 times"],
  ["a value on a switch", ["--quick=yes"], "--quick takes no value"],
  ["a negated switch", ["--no-quick"], "unknown flag --no-quick"],
];
for (const [what, args, message] of REFUSED) {
  Deno.test(`parseFlags refuses ${what}`, () => {
    assertThrows(() => parseFlags(command, args), TimewaitError, message);
  });
}

Deno.test("each word keeps its place and the flag that it belongs to", () => {
  const args = ["a", "--script=x y", "a", "--header", "-H", "--quick", "--", "--quick"];
  assertEquals(parseFlags(command, args).words, [
    { texts: ["a"] },
    { flag: "script", texts: ["--script=x y"] },
    { texts: ["a"] },
    { flag: "header", texts: ["--header", "-H"] },
    { flag: "quick", texts: ["--quick"] },
    { texts: ["--quick"] },
  ]);
});

Deno.test("a field is named by its flag, but for one of a single run", () => {
  const { flags } = command;
  const fields = ["latency", "backend.latency", "load.headers", "load.headers[1]", "poolMaxIdlePerHost"];
  assertEquals(fields.map((field) => flagOf(field, flags)), [
    ...["--latency", "--latency", "--header", "--header", "--pool-max-idle-per-host"],
  ]);
  assertEquals([flagOf("runs[1].backend.latency", flags), flagOf("question", flags)], [undefined, undefined]);
  const { options } = parseFlags(command, ["--latency", "0"]);
  assertEquals(isGiven("load.headers", flags, options), false);
  assertEquals(isGiven("load.headers", flags, parseFlags(command, ["--header", "A: 1"]).options), true);
});

Deno.test("a command without positionals refuses them", () => {
  const { positionals: _, ...withoutPositionals } = command;
  assertThrows(() => parseFlags(withoutPositionals, ["surplus"]), TimewaitError, '"surplus"');
});

Deno.test("durations, sizes and addresses are strict", () => {
  assertEquals(parseDurationMs("2m", "--d"), 120_000);
  assertEquals(parseDurationMs("0", "--d"), 0);
  for (const bad of ["", "10", "-1s", "1 s", "1d", "s", "1e3s", "NaNms"]) {
    assertThrows(() => parseDurationMs(bad, "--d"), TimewaitError);
  }
  assertEquals(parseBytes("64KiB", "--b"), 65536);
  assertEquals(parseBytes("2MB", "--b"), 2_000_000);
  for (const bad of ["", "1.5KiB", "-1", "1kib", "KiB"]) {
    assertThrows(() => parseBytes(bad, "--b"), TimewaitError);
  }
  assertEquals(parseListen("[::1]:0", "--l"), { hostname: "::1", port: 0 });
  assertEquals(parseListen("127.0.0.1:8080", "--l"), { hostname: "127.0.0.1", port: 8080 });
  for (const bad of ["", "8080", ":8080", "a:70000", "::1:80", "a b:1"]) {
    assertThrows(() => parseListen(bad, "--l"), TimewaitError);
  }
});

Deno.test("what fails while a tool is interrupted is told, and the exit code is that of the interruption", async () => {
  const tool = mainOf({
    name: "demo",
    summary: "Fails.",
    flags: {},
    run: () => Promise.reject(new Error("not written")),
  });
  const told: string[] = [];
  const { error } = console;
  console.error = (line: string) => told.push(line);
  try {
    assertEquals(await tool([], new AbortController().signal), 1);
    assertEquals(await tool([], AbortSignal.abort()), 130);
  } finally {
    console.error = error;
  }
  assertEquals(told.every((line) => line.endsWith(": not written")), true);
  assertEquals(told.length, 2);
});

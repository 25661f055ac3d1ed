import { assertEquals, assertThrows } from "@std/assert";
import { parseFlags } from "../../tools/cli/parse_flags.ts";
import { SWEEP_FLAGS, sweepOptionsOf } from "../../tools/cli/sweep_flags.ts";
import { answersOf } from "../support/script.ts";

const PERMISSIONS = ["--allow-run", "--allow-read", "--allow-env", "--allow-sys"];

const parse = (...args: string[]) =>
  sweepOptionsOf(parseFlags({ name: "bench", flags: SWEEP_FLAGS }, args).options);

Deno.test("what is swept is named as its flag is, and given twice it is a grid", () => {
  assertEquals(
    parse("--sweep", "connections=50..1000", "--sweep=max-idle-conns=1,2"),
    { sweep: { connections: "50..1000", maxIdleConns: "1,2" }, find: undefined, slo: undefined },
  );
});

Deno.test("what is no flag with values is refused, and so is one that is varied twice", () => {
  for (const text of ["connections", "connections=", "=5", "5=5"]) {
    assertThrows(
      () => parse("--sweep", text),
      Error,
      "takes a flag and its values, such as connections=50..1000",
    );
  }
  assertThrows(
    () => parse("--sweep", "workers=1", "--sweep", "workers=2"),
    Error,
    "sweep varies workers twice: give all of its values once, separated by commas",
  );
});

Deno.test("bench refuses in one line what it cannot sweep or find, before anything is measured", async () => {
  const refused: [args: string[], message: string][] = [
    [["--sweep", "conections=5"], "--sweep conections=5: conections is no numeric setting"],
    [
      ["--sweep", "connections=1..1000/90"],
      "--sweep makes 270 runs, and 100 are the most: give fewer values",
    ],
    [
      ["--sweep", "max-idle-conns=5"],
      "--sweep maxIdleConns is a setting of the transport net-http, and no run of this",
    ],
    [
      ["--sweep", "connections=5", "--connections", "9"],
      "--sweep varies connections, which is given for every run as well",
    ],
    [
      ["--sweep", "connections=5", "--self-check"],
      "--self-check measures the baseline under two names, and varies",
    ],
    [["--find", "workers"], "--find takes connections or rate, with a range if wanted"],
    [["--find", "rate"], "--find of a rate needs what must hold there"],
    [["--slo", "p99<=1s"], "--slo is what must hold at a rate: ask for the rate as well"],
    [
      ["--find", "connections", "--sweep", "workers=1"],
      "--find decides by itself what is measured: leave out the sweep",
    ],
    [["--find", "connections", "--rate", "10"], "--find varies the load by itself: leave the rate out"],
  ];
  const lines = refused.map(([args]) => ["undersized_pool", ...args]);
  for (const [i, { code, stderr, stdout }] of (await answersOf("bench", lines, PERMISSIONS)).entries()) {
    const [, message] = refused[i]!;
    assertEquals([code, stdout], [2, ""], stderr);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    assertEquals(stderr.slice(0, `error: ${message}`.length), `error: ${message}`);
  }
});

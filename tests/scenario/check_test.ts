import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import {
  at,
  lineOf,
  listOf,
  nameOf,
  optionsOf,
  refuseOthers,
  shown,
  whole,
} from "../../tools/scenario/check.ts";

/** The field and the problem of the error that `call` throws. */
function refusal(call: () => unknown): [string | undefined, string] {
  const { field, problem } = assertThrows(call, TimewaitError);
  return [field, problem];
}

Deno.test("the name of an option is that of where it stands and its own", () => {
  assertEquals([at("runs[1]", "gateway"), at("", "question")], ["runs[1].gateway", "question"]);
});

Deno.test("what was given is shown in one line, and cut where it is long", () => {
  assertEquals(["a\nb", 5, NaN, null, undefined, [1], () => 1].map(shown), [
    '"a\\nb"',
    "5",
    "NaN",
    "null",
    "undefined",
    "[1]",
    "a function",
  ]);
  assertEquals(shown("x".repeat(500)).length, 81);
});

Deno.test("an option that is undefined is not given", () => {
  assertEquals(Object.keys(optionsOf({ a: undefined, b: 0, c: false, d: null }, "load")), ["b", "c", "d"]);
  assertEquals(optionsOf(undefined, "load"), {});
  for (const bad of [null, 5, "a", []]) {
    assertEquals(refusal(() => optionsOf(bad as never, "load"))[0], "load");
  }
});

Deno.test("an unknown option is refused with the nearest known one, a unit at its end left aside", () => {
  const plan = { latencyMs: 0, bodyBytes: 0, ratePerSec: 0 };
  const hint = (name: string) => refusal(() => refuseOthers({ [name]: 1 }, plan, "backend"));
  assertEquals(hint("latencyMs"), ["backend.latencyMs", "is no option; did you mean latency?"]);
  assertEquals(hint("latenzy"), ["backend.latenzy", "is no option; did you mean latency?"]);
  assertEquals(hint("ratePerSec"), ["backend.ratePerSec", "is no option; did you mean rate?"]);
  assertEquals(hint("zzzz"), ["backend.zzzz", "is no option; known are latency, bodyBytes, rate"]);
  refuseOthers({}, plan, "backend");
});

Deno.test("a whole number is neither text nor a fraction, and lies within its range", () => {
  for (const bad of ["5", 1.5, NaN, Infinity, -1, true, null, {}, 2 ** 60]) {
    assertEquals(refusal(() => whole(bad, "n")), [
      "n",
      `must be a whole number of at least 0, not ${shown(bad)}`,
    ]);
  }
  assertEquals(
    refusal(() => whole(600, "status", 200, 599))[1],
    "must be a whole number from 200 to 599, not 600",
  );
  assertEquals(Object.is(whole(-0, "n"), 0), true);
});

Deno.test("a name is one line, and fits between the backticks of a report", () => {
  assertEquals(nameOf("pool-100 ✓", "name"), "pool-100 ✓");
  for (const bad of ["", " ", 5, null, "a\nb", "a\u0000", "a`b"]) {
    assertEquals(refusal(() => nameOf(bad, "runs[0].name"))[0], "runs[0].name");
  }
  assertEquals(lineOf("a`b", "question"), "a`b");
});

Deno.test("a list with holes is a list whose elements are undefined", () => {
  assertEquals(listOf(new Array(2), "runs"), [undefined, undefined]);
  for (const bad of [{ length: 1 }, "ab", null, undefined]) {
    assertEquals(refusal(() => listOf(bad, "runs"))[0], "runs");
  }
});

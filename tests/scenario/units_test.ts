import { assert, assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { parseBytes, parseDurationMs } from "../../tools/scenario/units.ts";

Deno.test("a duration is milliseconds, or text with its unit", () => {
  const taken = [0, 1.5, 86_400_000, "0", "70ms", "1.5s", "2m", "24h"] as const;
  assertEquals(taken.map((given) => parseDurationMs(given, "latency")), [
    ...[0, 1.5, 86_400_000, 0, 70, 1_500, 120_000, 86_400_000],
  ]);
});

Deno.test("a zero has no sign, as in JSON", () => {
  assert(Object.is(parseDurationMs(-0, "latency"), 0));
});

Deno.test("anything else is no duration, and the error shows what was given", () => {
  const refused = [
    NaN,
    -1,
    Infinity,
    1e9,
    "",
    "5",
    "-1s",
    "1e3s",
    "1 s",
    "s",
    "25h",
    null,
    [5],
    {},
    true,
    5n,
  ];
  for (const given of refused) {
    const error = assertThrows(() => parseDurationMs(given as number, "load.duration"), TimewaitError);
    assertEquals(error.field, "load.duration");
  }
  const message = (given: unknown) =>
    assertThrows(() => parseDurationMs(given as number, "latency"), TimewaitError).message;
  assertEquals(message("soon"), 'latency takes a duration such as 500ms, 10s or 2m, not "soon"');
  assertEquals(message(["5s"]), 'latency takes a duration such as 500ms, 10s or 2m, not ["5s"]');
  assertEquals(message(1e9), "latency takes at most 24h, not 1000000000ms");
});

Deno.test("a size is bytes, or text with its unit", () => {
  const taken = [0, 512, "512", "512B", "64KiB", "2MiB", "1GiB", "1kB", "2MB", "1GB"] as const;
  assertEquals(taken.map((given) => parseBytes(given as number, "bodyBytes")), [
    ...[0, 512, 512, 512, 65_536, 2_097_152, 1_073_741_824, 1_000, 2_000_000, 1_000_000_000],
  ]);
  for (
    const given of [NaN, -1, 1.5, 1e300, "", "1.5KiB", "1kib", "KiB", "99999999999999999", null, [512], true]
  ) {
    assertThrows(() => parseBytes(given as number, "bodyBytes"), TimewaitError, "bodyBytes takes a size");
  }
});

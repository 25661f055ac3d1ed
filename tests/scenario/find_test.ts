import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { parseFind, parsePromises } from "../../tools/scenario/find.ts";

const SLO = "p99<=200ms,errors<=0.1%";

Deno.test("what is to be found has a range of its own, or one that fits the load", () => {
  assertEquals(parseFind("connections", { connections: 500 }), {
    name: "connections",
    low: 1,
    high: 500,
    promised: [],
  });
  assertEquals(parseFind("rate=100..400", { connections: 500, slo: "max<=1s" }), {
    name: "ratePerSec",
    low: 100,
    high: 400,
    promised: [{ figure: "max", most: 1000 }],
  });
  assertEquals(parseFind("rate", { connections: 500, slo: SLO }).high, 40_000);
});

Deno.test("a promise is conditions that must all hold", () => {
  assertEquals(parsePromises(" p99.9 <= 1.5s , mean<=3ms,errors<=2%"), [
    { figure: "p999", most: 1500 },
    { figure: "mean", most: 3 },
    { figure: "errors", most: 0.02 },
  ]);
});

Deno.test("what cannot be found is refused, with what to say in its place", () => {
  const refused: [find: string, slo: string | undefined, message: string][] = [
    [
      "latency",
      undefined,
      'find takes connections or rate, with a range if wanted: rate=500..4000; not "latency"',
    ],
    ["connections=5", undefined, 'find takes a range such as connections=100..5000, not "5"'],
    [
      "connections=5..5",
      undefined,
      "find needs more than one value to look in, not 5 to 5: give connections=1..1000",
    ],
    ["connections=0..5", undefined, "find connections=0..5: must be a whole number of at least 1, not 0"],
    [
      "rate",
      undefined,
      "find of a rate needs what must hold there, the SLO, such as p99<=200ms,errors<=0.1%",
    ],
    ["connections", SLO, "slo is for a rate: connections hold where the pool opens no new ones"],
    [
      "rate",
      "p98<=1ms",
      'slo takes conditions such as p99<=200ms,errors<=0.1%, of mean, p50, p75, p90, p99, p999, max and errors; not "p98<=1ms"',
    ],
    ["rate", "errors<=3", 'slo takes errors as a percentage: errors<=0.1%, not "errors<=3"'],
    ["rate", "p99<=200", 'slo takes a duration such as 500ms, 10s or 2m, not "200"'],
    ["rate", "p99<=1ms,p99<=2ms", "slo says p99 twice"],
  ];
  for (const [find, slo, message] of refused) {
    assertEquals(
      assertThrows(() => parseFind(find, { connections: 9, slo }), TimewaitError).message,
      message,
    );
  }
});

import { assertEquals, assertMatch } from "@std/assert";
import { type Failure, startFailureLog } from "../../tools/transport/failure_log.ts";
import { eventually } from "../support/waiting.ts";

const REFUSED: Failure = { code: "ECONNREFUSED", step: "connect", reason: "connection refused" };
const LINE = "upstream failed: ECONNREFUSED connect 127.0.0.1:81 (connection refused)";

Deno.test("the first failure of a kind is written at once, with what can be parsed from it", () => {
  const lines: string[] = [];
  using log = startFailureLog("127.0.0.1:81", (line) => lines.push(line));
  log.add(REFUSED);
  log.add({ ...REFUSED, code: "EOF" });
  assertEquals(lines, [`${LINE} ×1`, `${LINE.replace("ECONNREFUSED", "EOF")} ×1`]);
});

Deno.test("what was counted is written at the end, so that the lines add up to all failures", () => {
  const lines: string[] = [];
  {
    using log = startFailureLog("127.0.0.1:81", (line) => lines.push(line));
    for (let i = 0; i < 5_000; i++) log.add(REFUSED);
    assertEquals(lines.length, 1);
  }
  assertEquals(lines, [`${LINE} ×1`, `${LINE} ×4999`]);
});

Deno.test("while failures go on, one line a second sums them up, and after a quiet second the next is written at once", async () => {
  const lines: string[] = [];
  using log = startFailureLog("127.0.0.1:81", (line) => lines.push(line));
  for (let i = 0; i < 3; i++) log.add(REFUSED);
  await eventually(() => lines.length === 2, "a summary");
  assertMatch(lines[1]!, /×2$/);
  const from = performance.now();
  await eventually(() => performance.now() - from > 1_200, "a quiet second");
  log.add(REFUSED);
  assertMatch(lines.at(-1)!, /×1$/);
  assertEquals(lines.length, 3);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { diagnose } from "../../../tools/doctor/diagnosis.ts";
import { renderScreen } from "../../../tools/report/doctor/screen.ts";
import { captureText, parseCapture, type Rows } from "../../support/made_up_capture.ts";

const LISTENS: Rows = { local: "0.0.0.0:8080", remote: "0.0.0.0:0", state: "0A", inode: 1 };
const CLOSED: Rows = {
  local: "10.0.0.1",
  remote: "10.0.0.2:80",
  state: "06",
  count: 9000,
  left: [59.9, 50.1],
};
const readings = [{ tcp: [LISTENS] }, { tcp: [LISTENS, CLOSED], counters: { "Tcp.ActiveOpens": 9000 } }];
const diagnosis = diagnose(parseCapture(captureText({ readings })));

Deno.test("the screen has the figures of the report, the answer first", () => {
  const lines = renderScreen(diagnosis, "web1", { columns: 200, rows: 50 }).split("\n");
  assertEquals(lines[0], "web1 · 9,000 in TIME_WAIT · Ctrl-C ends");
  assertStringIncludes(lines[2]!, "The ports towards 10.0.0.2:80 run out in 2");
  assert(lines.includes("opened   900/s new, 900/s closed here first, 0/s by others"), lines.join("\n"));
  assert(lines.some((line) => line.startsWith("to 10.0.0.2:80: 9,000 of 28,232 ports (32%), all gone in")));
  assert(lines.some((line) => line.startsWith("on port 8080: 0 established")));
  assertEquals(/[`*]/.test(lines.join("")), false);
});

Deno.test("it fits into a terminal of any size", () => {
  for (let columns = 1; columns < 120; columns += 7) {
    for (let rows = 1; rows < 40; rows += 3) {
      const lines = renderScreen(diagnosis, "web1", { columns, rows }).split("\n");
      assert(
        lines.length <= rows && lines.every((line) => [...line].length <= columns),
        `${columns} x ${rows}`,
      );
    }
  }
});

Deno.test("names control no terminal, and what cannot be read is one line", () => {
  const gone = diagnose(
    parseCapture(captureText({ readings: [], before: "--- note\ngone: no\x1b[2J process 7\n" })),
  );
  assertEquals(
    renderScreen(gone, "web1", { columns: 99, rows: 9 }).split("\n")[2],
    "web1: no\\x1b[2J process 7",
  );
});

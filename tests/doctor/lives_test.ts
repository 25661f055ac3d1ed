import { assertEquals } from "@std/assert";
import { livesSeen } from "../../tools/doctor/lives.ts";

/** Readings of connections that are in those from the first number to the second. */
function readings(all: number, spans: readonly (readonly [from: number, to: number])[]): number[][] {
  return Array.from(
    { length: all },
    (_, i) => spans.flatMap(([from, to], inode) => from <= i && i <= to ? [inode + 1] : []),
  );
}

const times = (count: number, span: readonly [number, number]) => Array.from({ length: count }, () => span);

Deno.test("connections that all began at once and end at a limit live alike, those that stand at the end included", () => {
  const inStep = [...times(30, [0, 2]), ...times(30, [3, 5]), ...times(30, [6, 8]), ...times(30, [9, 11])];
  assertEquals(livesSeen(readings(12, inStep)), { all: 12, came: 90, went: 60, readings: [3, 3] });
});

Deno.test("a watch that ends makes no life short", () => {
  // One in ten goes after a reading; of the others nobody sees the end.
  const most = [...times(2, [1, 1]), ...times(18, [1, 9])];
  assertEquals(livesSeen(readings(10, most)), { all: 10, came: 20, went: 2 });
});

Deno.test("connections that stood before the watch tell nothing of how long they live", () => {
  assertEquals(livesSeen(readings(10, times(20, [0, 4]))), { all: 10, came: 0, went: 0 });
  assertEquals(livesSeen([[1, 2]]), { all: 1, came: 0, went: 0 });
});

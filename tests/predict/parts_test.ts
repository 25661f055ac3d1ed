import { assertEquals } from "@std/assert";
import { EventQueue } from "../../tools/predict/event_queue.ts";
import { NumberQueue } from "../../tools/predict/number_queue.ts";
import { courseOfPorts } from "../../tools/predict/port_course.ts";
import { Randomness } from "../../tools/predict/randomness.ts";

Deno.test("events come out by their times, and those of one time in the order in which they went in", () => {
  const queue = new EventQueue();
  const random = new Randomness(1);
  const events = Array.from({ length: 5_000 }, (_, i) => ({ time: Math.floor(random.uniform() * 300), i }));
  for (const { time, i } of events) queue.push(time, i);
  const sorted = events.toSorted((a, b) => a.time - b.time || a.i - b.i);
  assertEquals(events.map(() => queue.pop()), sorted.map(({ i }) => i));
  assertEquals([queue.pop(), queue.size, queue.time], [-1, 0, sorted.at(-1)!.time]);
});

Deno.test("numbers come out in the order in which they went in, however the queue grows and wraps around", () => {
  const queue = new NumberQueue();
  const out: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    queue.push(i);
    if (i % 3 === 0) out.push(queue.shift());
  }
  while (queue.size > 0) out.push(queue.shift());
  assertEquals(out, Array.from({ length: 1_000 }, (_, i) => i));
  assertEquals([queue.peek(), queue.shift()], [NaN, NaN]);
});

Deno.test("ports at a steady rate: half of them, all of them, and the slow half", () => {
  const course = courseOfPorts({ openedPerSec: 1_000, standing: 0, ports: 28_232 });
  assertEquals(course.halfSec, 14.116);
  assertEquals(course.exhaustedSec, 28.232);
  assertEquals(course.held, 28_232);
  // 14,116 more at 390 a second; at 200 a second the TIME_WAITs of the beginning end first.
  assertEquals(course.slow!.fastestSec!.toFixed(1), "50.3");
  assertEquals(course.slow!.slowestSec, null);
});

Deno.test("ports that are enough for a minute never run out", () => {
  assertEquals(courseOfPorts({ openedPerSec: 100, standing: 500, ports: 28_232 }), {
    ports: 28_232,
    held: 6_500,
  });
  const half = courseOfPorts({ openedPerSec: 400, standing: 0, ports: 28_232 });
  assertEquals([half.halfSec, half.exhaustedSec, half.held], [35.29, undefined, 24_000]);
  assertEquals(half.slow, { fastestSec: null, slowestSec: null });
  assertEquals(courseOfPorts({ openedPerSec: 0, standing: 5, ports: 100 }), { ports: 100, held: 5 });
});

import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { type Bounds, bracketOf, MOST_TRIALS, nextValue, type Trial } from "../../tools/verdict/bisection.ts";

/** Bisects by what holds, and returns every value that was tried, in order. */
function bisect(
  bounds: Bounds,
  holds: (value: number, call: number) => boolean,
  hint?: (value: number) => number | undefined,
) {
  const trials = new Map<number, Trial>();
  const order: number[] = [];
  for (let value = nextValue([], bounds); value !== undefined;) {
    order.push(value);
    const before = trials.get(value) ?? { value, held: 0, broke: 0 };
    const held = holds(value, order.length);
    const hinted = held ? undefined : hint?.(value);
    trials.set(value, {
      ...before,
      ...(held ? { held: before.held + 1 } : { broke: before.broke + 1 }),
      ...(hinted === undefined ? {} : { hint: hinted }),
    });
    value = nextValue([...trials.values()], bounds);
  }
  return { order, ...bracketOf([...trials.values()]) };
}

Deno.test("any limit is found within 8%, and in twelve repetitions at the most", () => {
  for (const bounds of [{ low: 1, high: 1000 }, { low: 50, high: 10_000 }]) {
    for (let limit = bounds.low; limit < bounds.high; limit = Math.ceil(limit * 1.13)) {
      const { order, holds, fails } = bisect(bounds, (value) => value <= limit);
      assertLessOrEqual(order.length, MOST_TRIALS);
      assertLessOrEqual(holds!.value, limit);
      assertGreaterOrEqual(fails?.value ?? bounds.high, limit);
      const end = fails?.value ?? bounds.high;
      assert(end - holds!.value <= 1 || end / holds!.value <= 1.08, `${limit}: ${holds!.value} to ${end}`);
    }
  }
});

Deno.test("a hint is tried first, then a value a little above it, and then each end twice more", () => {
  const { order } = bisect({ low: 1, high: 1000, first: 1000 }, (value) => value <= 100, () => 100);
  assertEquals(order, [1000, 100, 105, 100, 100, 105, 105]);
});

Deno.test("a hint that is wrong costs some repetitions, and never the answer", () => {
  for (const hint of [0, 5, 90, 110, 600, 2000]) {
    const { order, holds, fails } = bisect({ low: 1, high: 1000 }, (value) => value <= 100, () => hint);
    assertLessOrEqual(order.length, MOST_TRIALS);
    assert(holds!.value <= 100 && fails!.value > 100 && fails!.value / holds!.value <= 1.2, `hint ${hint}`);
  }
});

Deno.test("where all holds, the highest value is measured, and where nothing does, the lowest", () => {
  const all = bisect({ low: 1, high: 64 }, () => true);
  assertEquals([all.holds?.value, all.fails], [64, undefined]);
  const none = bisect({ low: 1, high: 64 }, () => false);
  assertEquals([none.holds, none.fails?.value], [undefined, 1]);
});

Deno.test("a repetition by which an end does not hold after all opens the interval again", () => {
  // The first look at 100 is luck.
  const { order, holds, fails } = bisect(
    { low: 1, high: 1000, first: 1000 },
    (value, call) => value <= 90 || value === 100 && call === 2,
    (value) => value === 1000 ? 100 : 90,
  );
  assertEquals(order.filter((value) => value === 100).length >= 2, true);
  assertEquals([holds!.value, fails!.value], [90, 95]);
});

Deno.test("an interval of two whole numbers is as narrow as it gets", () => {
  const { holds, fails } = bisect({ low: 1, high: 10 }, (value) => value <= 2);
  assertEquals([holds?.value, fails?.value], [2, 3]);
});

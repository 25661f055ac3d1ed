/**
 * A series as one line of text.
 *
 * @module
 */

const BARS = "▁▂▃▄▅▆▇█";

/**
 * Draws each value as a bar of a height in proportion to the highest, the first on the left. A value of 0 is
 * a space, so that the least of the others can be told from nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sparkline } from "./sparkline.ts";
 *
 * assertEquals(sparkline([0, 1, 4, 8]), " ▁▄█");
 * ```
 */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(...values);
  return values.map((value) => value > 0 ? BARS[Math.ceil(value / top * BARS.length) - 1] : " ").join("");
}

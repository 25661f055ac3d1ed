/**
 * How long connections live, as far as several readings show it: a limit of requests ends each at about the
 * same age, a pool that is too small ends them by chance.
 *
 * @module
 */

/** The lives of connections over a watch. Each is known to within a reading at either end. */
export interface LivesSeen {
  /** Readings. */
  readonly all: number;
  /** Connections that came during the watch. */
  readonly came: number;
  /** Those of them that went again. */
  readonly went: number;
  /**
   * In how many readings a connection is seen before one in ten has gone, and before nine in ten have. Left
   * out where so many did not go.
   */
  readonly readings?: readonly [oneInTen: number, nineInTen: number];
}

/**
 * Looks at the lives of connections. Those that still stand at the end count for as long as they were seen
 * (Kaplan and Meier), so that a short watch makes no life short.
 *
 * @param readings the numbers of the established sockets in each reading, first to last.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { livesSeen } from "./lives.ts";
 *
 * // Socket 2 came with the second reading and was in two.
 * assertEquals(livesSeen([[1], [1, 2], [1, 2], [1]]), { all: 4, came: 1, went: 1, readings: [2, 2] });
 * ```
 */
export function livesSeen(readings: readonly (readonly number[])[]): LivesSeen {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  readings.forEach((inodes, i) => {
    for (const inode of inodes) {
      if (!first.has(inode)) first.set(inode, i);
      last.set(inode, i);
    }
  });
  const went: number[] = [];
  const stand: number[] = [];
  for (const [inode, from] of first) {
    if (from === 0) continue;
    const to = last.get(inode)!;
    (to < readings.length - 1 ? went : stand).push(to - from + 1);
  }
  const lives = { all: readings.length, came: went.length + stand.length, went: went.length };
  const [oneInTen, nineInTen] = [lifeOf(0.9, went, stand), lifeOf(0.1, went, stand)];
  return oneInTen === undefined || nineInTen === undefined
    ? lives
    : { ...lives, readings: [oneInTen, nineInTen] };
}

/** The life after which no more than this share is left; `undefined` where more is. */
function lifeOf(share: number, went: readonly number[], stand: readonly number[]): number | undefined {
  let left = 1;
  for (const life of [...new Set(went)].sort((a, b) => a - b)) {
    // Of one that stands in the last reading nobody knows whether it would be in a further one.
    const longer = went.filter((one) => one > life).length + stand.filter((one) => one > life).length;
    const gone = went.filter((one) => one === life).length;
    left *= longer / (longer + gone);
    if (left <= share) return life;
  }
  return undefined;
}

/**
 * Divides a load among clients.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { LoadPlan } from "../scenario/plan.ts";
import { largestDivisor } from "../scenario/resolve.ts";

/**
 * Divides a load exactly: the parts of its connections and of its rate add up to it, and differ by one at the
 * most. All else is the same on each client. So are the threads, of which there are the most up to those of
 * the load that divide the connections of every client.
 *
 * @throws {TimewaitError} where there are fewer connections, or requests a second, than clients.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { divideLoad } from "./divide_load.ts";
 *
 * const load = { connections: 1000, threads: 2, durationMs: 1000, warmUpMs: 0, timeoutMs: 1000, headers: [] };
 * assertEquals(divideLoad(load, 3).map(({ connections }) => connections), [334, 333, 333]);
 * ```
 */
export function divideLoad<T extends Pick<LoadPlan, "connections" | "threads" | "ratePerSec">>(
  load: T,
  clients: number,
): T[] {
  if (clients === 1) return [load];
  const connections = parts(load.connections, clients, "connections");
  const rates = load.ratePerSec === undefined ? undefined : parts(load.ratePerSec, clients, "rate");
  const threads = commonDivisor(connections, load.threads);
  return connections.map((count, i) => ({
    ...load,
    connections: count,
    threads,
    ...(rates === undefined ? {} : { ratePerSec: rates[i]! }),
  }));
}

function parts(total: number, count: number, field: string): number[] {
  if (total < count) {
    throw new TimewaitError(`of ${total} cannot be divided among ${count} clients: give at least ${count}`, {
      field,
    });
  }
  return Array.from({ length: count }, (_, i) => Math.floor(total / count) + (i < total % count ? 1 : 0));
}

/** The most threads, up to so many, that divide all of these. */
function commonDivisor(connections: readonly number[], most: number): number {
  let threads = largestDivisor(connections[0]!, most);
  while (connections.some((count) => count % threads !== 0)) {
    threads = largestDivisor(connections[0]!, threads - 1);
  }
  return threads;
}

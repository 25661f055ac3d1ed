/**
 * What becomes of ephemeral ports at a steady rate of new connections: when half of them are in use, when all
 * are, and what is held in the end.
 *
 * @module
 */

import { TIME_WAIT_SEC } from "../verdict/port_forecast.ts";
import { SLOW_FROM } from "../verdict/ports.ts";

/**
 * New connections a second once half of the ports are in use, because the kernel has to search for a free
 * port: the least and the most that were measured with 28,232 ports on two CPUs, where 1,240 to 1,970 a
 * second were opened before.
 */
export const SLOW_PER_SEC: readonly [least: number, most: number] = [200, 390];

/** Fewer ports than this are searched so fast that connects stay as they are. */
const SLOW_ABOVE_PORTS = 5_000;

/** What becomes of the ports towards one destination. Times are in seconds since the load began. */
export interface PortCourse {
  /** How many there are. */
  readonly ports: number;
  /**
   * How many are held in the end: by connections that stand, and by TIME_WAITs. Never more than there are.
   */
  readonly held: number;
  /** When half of them are in use. Left out where they never are. */
  readonly halfSec?: number;
  /**
   * When all are in use if connects stay as fast as they are: the earliest. Left out where they never are.
   */
  readonly exhaustedSec?: number;
  /**
   * The same with connects that are slow from the half on, as they were measured: at the most and at the
   * least connections a second. `null` where TIME_WAITs end in time, so that ports never run out. Left out
   * where connects stay as they are, and where half is never in use.
   */
  readonly slow?: { readonly fastestSec: number | null; readonly slowestSec: number | null };
}

/**
 * Follows the ports.
 *
 * @param openedPerSec connections opened and closed again, to this destination.
 * @param standing connections that stand all the time.
 */
export function courseOfPorts(
  { openedPerSec, standing, ports, timeWaitSec = TIME_WAIT_SEC }: {
    readonly openedPerSec: number;
    readonly standing: number;
    readonly ports: number;
    readonly timeWaitSec?: number;
  },
): PortCourse {
  const reach = (count: number) => {
    if (standing >= count) return 0;
    const sec = (count - standing) / openedPerSec;
    return openedPerSec > 0 && sec < timeWaitSec ? sec : undefined;
  };
  const halfSec = reach(SLOW_FROM * ports);
  const exhaustedSec = reach(ports);
  const slows = halfSec !== undefined && ports > SLOW_ABOVE_PORTS;
  const slowed = (perSec: number): number | null => {
    const sec = halfSec! + (1 - SLOW_FROM) * ports / Math.min(openedPerSec, perSec);
    // From then on as many TIME_WAITs end as began one TIME_WAIT earlier, when connects were fast.
    return sec < timeWaitSec ? sec : null;
  };
  return {
    ports,
    held: Math.min(ports, standing + openedPerSec * timeWaitSec),
    ...(halfSec === undefined ? {} : { halfSec }),
    ...(exhaustedSec === undefined ? {} : { exhaustedSec }),
    ...(slows ? { slow: { fastestSec: slowed(SLOW_PER_SEC[1]), slowestSec: slowed(SLOW_PER_SEC[0]) } } : {}),
  };
}

/**
 * What changed while a capture was taken: rates of the counters, and connections that stayed.
 *
 * @module
 */

import type { Capture, Reading } from "./capture.ts";

/** Rates between the first and the last reading, in events a second unless the name says else. */
export interface CounterRates {
  /** Time between the two readings, in seconds. */
  readonly seconds: number;
  /** Connections that were opened (`ActiveOpens`); one that failed counts as well. */
  readonly openedPerSec: number;
  /** Connections that were accepted (`PassiveOpens`). */
  readonly acceptedPerSec: number;
  /**
   * How many more connections stood at the end than at the beginning (`CurrEstab`), a count. Left out where
   * the kernel does not say.
   */
  readonly standingGrown?: number;
  /** Connections that were refused, or reset before they were established (`AttemptFails`). */
  readonly failedPerSec: number;
  /** Sockets that entered TIME_WAIT, also those that were gone at once (`TW`, `TWKilled`). */
  readonly timeWaitPerSec: number;
  /** TIME_WAITs whose port a new connection took (`TWRecycled`). */
  readonly reusedPerSec: number;
  /** Resets that were sent (`OutRsts`). */
  readonly resetsPerSec: number;
  /** Closed here by a reset although all was read: SO_LINGER of 0 (`TCPAbortOnData`). No TIME_WAIT. */
  readonly lingerResetsPerSec: number;
  /** Closed here by a reset with bytes that were not read (`TCPAbortOnClose`). No TIME_WAIT. */
  readonly unreadResetsPerSec: number;
  /** TIME_WAITs that were thrown away meanwhile (`TCPTimeWaitOverflow`), a count. */
  readonly timeWaitOverflowed: number;
  /** Connections that met a full accept queue meanwhile (`ListenOverflows`), a count. */
  readonly listenOverflows: number;
}

/** The rates; `undefined` for a single reading, and where the counters cannot be read. */
export function ratesOf({ readings }: Capture): CounterRates | undefined {
  const [first, last] = [readings[0], readings.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const seconds = last.uptimeSec - first.uptimeSec;
  if (!(seconds > 0) || !last.counters.has("Tcp.ActiveOpens")) return undefined;
  const moved = (...names: string[]) =>
    names.reduce((sum, name) => sum + counterOf(last, name) - counterOf(first, name), 0);
  const perSec = (...names: string[]) => Math.max(0, moved(...names)) / seconds;
  return {
    seconds,
    openedPerSec: perSec("Tcp.ActiveOpens"),
    acceptedPerSec: perSec("Tcp.PassiveOpens"),
    ...(last.counters.has("Tcp.CurrEstab") ? { standingGrown: moved("Tcp.CurrEstab") } : {}),
    failedPerSec: perSec("Tcp.AttemptFails"),
    timeWaitPerSec: perSec("TcpExt.TW", "TcpExt.TWKilled"),
    reusedPerSec: perSec("TcpExt.TWRecycled"),
    resetsPerSec: perSec("Tcp.OutRsts"),
    lingerResetsPerSec: perSec("TcpExt.TCPAbortOnData"),
    unreadResetsPerSec: perSec("TcpExt.TCPAbortOnClose"),
    timeWaitOverflowed: moved("TcpExt.TCPTimeWaitOverflow"),
    listenOverflows: moved("TcpExt.ListenOverflows"),
  };
}

/** A counter of a reading; 0 where this kernel does not have it. */
export function counterOf({ counters }: Reading, name: string): number {
  const value = counters.get(name);
  return value === undefined || Number.isNaN(value) ? 0 : value;
}

/** The established connections of one group over the readings that have tables. */
export interface PoolSeen {
  /** How many readings there are. */
  readonly readings: number;
  /** The fewest. */
  readonly floor: number;
  /** The most. */
  readonly ceiling: number;
  /** Whether they hardly changed, over at least three readings. */
  readonly flat: boolean;
  /** Connections that stood in every reading. */
  readonly kept: number;
}

/** At most this part of the connections may come and go where their number counts as flat. */
const FLAT_WITHIN = 0.02;

/** Fewest readings that show whether a number is flat. */
const FEWEST_READINGS = 3;

/**
 * Looks at the established connections of a group.
 *
 * @param readings the numbers of the established sockets in each reading, first to last.
 */
export function poolSeen(readings: readonly (readonly number[])[]): PoolSeen {
  const sizes = readings.map((inodes) => inodes.length);
  const floor = Math.min(...sizes);
  const ceiling = Math.max(...sizes);
  return {
    readings: readings.length,
    floor,
    ceiling,
    flat: readings.length >= FEWEST_READINGS && ceiling - floor <= Math.max(1, ceiling * FLAT_WITHIN),
    kept: inAll(readings),
  };
}

/** How many numbers stand in every list. */
export function inAll([first = [], ...others]: readonly (readonly number[])[]): number {
  let kept: ReadonlySet<number> = new Set(first);
  for (const inodes of others) kept = kept.intersection(new Set(inodes));
  return kept.size;
}

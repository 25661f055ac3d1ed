/**
 * Who ends connections: the side that closes first holds the TIME_WAIT.
 *
 * @module
 */

import type { GroupedSockets, SocketGroup } from "./groups.ts";
import type { CounterRates } from "./watch.ts";

/** Who ended the connections that one side had opened, in connections a second. */
export interface Closers {
  /** New connections, by the kernel's counter. */
  readonly newPerSec: number;
  /**
   * Closed here first: TIME_WAITs that were made during the watch, those among them that were thrown away at
   * once or whose port was taken again.
   */
  readonly herePerSec: number;
  /**
   * Those of `herePerSec` on which the other end sent something afterwards: they were closed while an answer
   * was owed. The kernel answers by a reset, and the TIME_WAIT is gone.
   */
  readonly owedPerSec: number;
  /**
   * What is left of the new ones when those that stand at the end and did not at the beginning are taken off:
   * closed by the other end first, or by a reset of either. Connects that failed are in it as well.
   */
  readonly otherwisePerSec: number;
}

/** Who ended the connections, by the side that opened them. */
export function closersOf(
  rates: CounterRates,
  readings: readonly GroupedSockets[],
): Record<SocketGroup["side"], Closers> {
  const { seconds, openedPerSec, acceptedPerSec } = rates;
  const last = readings.at(-1)!;
  const share = countedShare(rates, last);
  const gone = goneOf(rates, last);
  // The table is read a moment after the counters, in which many a connection comes.
  const grown = grownOf(readings, "opened") + grownOf(readings, "accepted");
  const skew = ((rates.standingGrown ?? grown) - grown) / Math.max(1, openedPerSec + acceptedPerSec);
  const owed = owedOf(rates, last);
  const closers = (side: SocketGroup["side"], newPerSec: number): Closers => {
    const owedPerSec = Math.min(newPerSec, owed[side] / seconds);
    const herePerSec = (madeWithin(last, seconds, side) * share + gone[side]) / seconds + owedPerSec;
    const grownPerSec = (grownOf(readings, side) + skew * newPerSec) / seconds;
    return {
      newPerSec,
      herePerSec,
      owedPerSec,
      otherwisePerSec: Math.max(0, newPerSec - herePerSec - grownPerSec),
    };
  };
  return { opened: closers("opened", openedPerSec), accepted: closers("accepted", acceptedPerSec) };
}

/**
 * How many more connections of a side stand in the last reading than in the first, as `CurrEstab` counts
 * them.
 */
function grownOf(readings: readonly GroupedSockets[], side: SocketGroup["side"]): number {
  const standing = (reading: GroupedSockets) =>
    sumOver(reading, side, ({ states }) => states.established + states.closeWait);
  return standing(readings.at(-1)!) - standing(readings[0]!);
}

/**
 * What to multiply the TIME_WAITs by that the ages in the table give for the watch. They are known by the
 * second, so those of the second that is begun are a guess; the kernel counts them (`TW`). Before Linux 5.15
 * it counts them at their end, so the count is trusted within a second of the table only.
 */
function countedShare({ seconds, timeWaitPerSec }: CounterRates, reading: GroupedSockets): number {
  const seen = madeWithin(reading, seconds);
  if (seen === 0 || timeWaitPerSec === 0) return 1;
  const [least, most] = [madeWithin(reading, seconds - 1), madeWithin(reading, seconds + 1)];
  return Math.min(most, Math.max(least, timeWaitPerSec * seconds)) / seen;
}

/** Connections that were closed here first during the last minute, by one reading. */
export interface LastMinute {
  /** Over how many seconds: 60, or fewer where the oldest TIME_WAIT is younger. 0 where there is none. */
  readonly seconds: number;
  /** Those that this host had opened, per second. */
  readonly openedPerSec: number;
  /** Those that it had accepted, per second. */
  readonly acceptedPerSec: number;
}

/** What one reading shows of the last minute. */
export function lastMinuteOf({ groups }: GroupedSockets): LastMinute {
  const seconds = 1 +
    Math.max(-1, ...groups.map(({ madeAgo }) => madeAgo.findLastIndex((count) => count > 0)));
  const perSec = (side: SocketGroup["side"]) =>
    groups.filter((group) => group.side === side).reduce((sum, { states }) => sum + states.timeWait, 0) /
    Math.max(1, seconds);
  return { seconds, openedPerSec: perSec("opened"), acceptedPerSec: perSec("accepted") };
}

/**
 * TIME_WAITs that were made during the watch and are not in the table any more, by the kernel's counters. A
 * port is taken again by who opens a connection. Those thrown away are as many of each side as its new
 * connections.
 */
function goneOf(
  { seconds, openedPerSec, acceptedPerSec, timeWaitPerSec, reusedPerSec, timeWaitOverflowed }: CounterRates,
  reading: GroupedSockets,
): Record<SocketGroup["side"], number> {
  const missing = Math.max(0, timeWaitPerSec * seconds - madeWithin(reading, seconds + 1));
  const reused = Math.min(missing, reusedPerSec * seconds);
  const opened = openedPerSec / Math.max(1, openedPerSec + acceptedPerSec);
  return {
    opened: reused + timeWaitOverflowed * opened,
    accepted: acceptedPerSec === 0 ? 0 : timeWaitOverflowed * (1 - opened),
  };
}

/**
 * Connections that were closed here while an answer was owed. They enter TIME_WAIT as FIN_WAIT2 that nobody
 * holds, which is counted (`TW`), and end with the reset that answers what comes still: neither a new
 * connection nor a full table has taken them. Of each side as many as its share of those in FIN_WAIT2.
 */
function owedOf(
  { seconds, timeWaitPerSec, reusedPerSec, timeWaitOverflowed, resetsPerSec }: CounterRates,
  reading: GroupedSockets,
): Record<SocketGroup["side"], number> {
  const taken = reusedPerSec * seconds + timeWaitOverflowed;
  const missing = Math.max(0, timeWaitPerSec * seconds - madeWithin(reading, seconds + 1) - taken);
  const owed = Math.min(missing, resetsPerSec * seconds);
  const orphans = (side: SocketGroup["side"]) =>
    sumOver(reading, side, ({ states, finWait2Inodes }) => states.finWait2 - finWait2Inodes.length);
  const [opened, accepted] = [orphans("opened"), orphans("accepted")];
  const all = opened + accepted;
  return all === 0
    ? { opened: 0, accepted: 0 }
    : { opened: owed * opened / all, accepted: owed * accepted / all };
}

/** TIME_WAITs younger than so many seconds, of one side or both; of the second that is begun, a part. */
function madeWithin(reading: GroupedSockets, seconds: number, only?: SocketGroup["side"]): number {
  const whole = Math.max(0, Math.floor(seconds));
  const within = (madeAgo: readonly number[]) =>
    madeAgo.slice(0, whole).reduce(
      (sum, count) => sum + count,
      (madeAgo[whole] ?? 0) * Math.max(0, seconds - whole),
    );
  const of = (side: SocketGroup["side"]) => sumOver(reading, side, ({ madeAgo }) => within(madeAgo));
  return only === undefined ? of("opened") + of("accepted") : of(only);
}

function sumOver(
  { groups }: GroupedSockets,
  side: SocketGroup["side"],
  of: (group: SocketGroup) => number,
): number {
  return groups.filter((group) => group.side === side).reduce((sum, group) => sum + of(group), 0);
}

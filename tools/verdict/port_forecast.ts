/**
 * What becomes of a gateway's ephemeral ports if its load goes on.
 *
 * @module
 */

import { type Run, type Watching, watchingOf } from "../results/results.ts";
import { estimateMedian } from "./intervals.ts";
import { openedOnceWarm, portsInUse, portUseOf, SLOW_FROM } from "./ports.ts";

/**
 * How long a socket stays in TIME_WAIT on Linux, in seconds: `TCP_TIMEWAIT_LEN` of include/net/tcp.h, not a
 * sysctl.
 */
export const TIME_WAIT_SEC = 60;

/** What becomes of the ports if a run's load goes on, as medians over its repetitions. */
export interface PortForecast {
  /** Connections that the gateway opened per second in the second half of the load. */
  readonly openedPerSec: number;
  /**
   * The same at its fastest: where half of the ports came into use, also the rate of the time before. From
   * then on connects are slower, and the rate is no longer the load's own.
   */
  readonly fastestPerSec: number;
  /**
   * Ports held once 60 s have passed, if there were enough: those in use at the end of the load and what is
   * opened from then on. Never fewer than were seen; of a load of more than 60 s just these.
   */
  readonly held: number;
  /** Seconds of this load until half of the ports are in use. */
  readonly halfAfterSec: number;
  /** Whether that was measured, in every repetition, or reckoned from the rate. */
  readonly halfWasReached: boolean;
  /**
   * Seconds of this load until all ports are in use at the earliest: at the fastest rate from the end of the
   * load on, in the repetition in which that is soonest.
   */
  readonly exhaustedAfterSec: number;
}

/**
 * What becomes of a run's ports; `undefined` where nothing was measured or opened. `ports` is how many there
 * are.
 */
export function forecastOf(run: Run, ports: number): PortForecast | undefined {
  const measured = watchingOf(run, "gateway");
  const each = measured.map((repetition) => ratesOf(repetition, ports));
  const median = (values: readonly number[]) => estimateMedian(values)!.estimate;
  // A repetition that opened nothing at last says nothing of the time that it takes.
  const opening = each.filter(({ fastestPerSec }) => fastestPerSec > 0);
  if (opening.length === 0) return undefined;
  const reach = (rates: Rates, count: number) =>
    rates.endSec + Math.max(0, count - rates.usedAtEnd) / rates.fastestPerSec;
  return {
    openedPerSec: median(each.map(({ openedPerSec }) => openedPerSec)),
    fastestPerSec: median(each.map(({ fastestPerSec }) => fastestPerSec)),
    held: median(each.map(({ held }) => held)),
    halfAfterSec: median(opening.map((rates) => rates.halfSec ?? reach(rates, SLOW_FROM * ports))),
    halfWasReached: each.every(({ halfSec }) => halfSec !== undefined),
    exhaustedAfterSec: Math.min(...opening.map((rates) => reach(rates, ports))),
  };
}

/** What the ports of a repetition came to, and how fast. */
interface Rates extends Pick<PortForecast, "openedPerSec" | "fastestPerSec" | "held"> {
  /** How long the load lasted by its samples, in seconds. */
  readonly endSec: number;
  readonly usedAtEnd: number;
  readonly halfSec: number | undefined;
}

function ratesOf(repetition: Watching<"gateway">, ports: number): Rates {
  const { usedPeak, halfSec } = portUseOf(repetition, ports);
  const usedAtEnd = portsInUse(repetition).at(-1) ?? 0;
  const endSec = (repetition.samples.timeMs.at(-1) ?? 0) / 1000;
  const openedPerSec = openedOnceWarm(repetition);
  const beforeHalfPerSec = halfSec === undefined ? 0 : openedOnceWarm(repetition, halfSec * 1000);
  const yetToOpen = openedPerSec * Math.max(0, TIME_WAIT_SEC - endSec);
  return {
    openedPerSec,
    fastestPerSec: Math.max(openedPerSec, beforeHalfPerSec),
    held: Math.max(usedPeak, usedAtEnd + yetToOpen),
    endSec,
    usedAtEnd,
    halfSec,
  };
}

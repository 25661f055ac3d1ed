/**
 * Predicts from what was read of a live machine.
 *
 * @module
 */

import { CHURN_SHARE } from "../verdict/churn.ts";
import { courseOfPorts, type PortCourse } from "./port_course.ts";
import { predict, type Prediction } from "./prediction.ts";
import { DEFAULT_PORTS, type Question } from "./question.ts";

/** One destination of a machine's connections, as a capture shows it. */
export interface CapturedDestination {
  /** Its address, for people. */
  readonly name: string;
  /** Connections to it that stand. */
  readonly established: number;
  /** Connections opened to it a second. */
  readonly openedPerSec: number;
  /** Sockets in TIME_WAIT towards it. */
  readonly timeWait: number;
}

/** What no capture shows, and people may know. */
export interface KnownLoad {
  /** Requests a second to all destinations together. Default: not known. */
  readonly requestsPerSec?: number | undefined;
  /** Time until a backend answers, in milliseconds. Default: not known. */
  readonly latencyMs?: number | undefined;
  /** Ephemeral ports towards each destination. Default 28,232. */
  readonly ports?: number | undefined;
  /** The pool that is asked about. Default: no limit. */
  readonly pool?: number | undefined;
  /** More of the question. Default: nothing. */
  readonly question?: Partial<Question> | undefined;
}

/** What is foretold of a destination. */
export interface PredictedDestination {
  /** Its address. */
  readonly name: string;
  /** Connections opened to it a second, as captured. */
  readonly openedPerSec: number;
  /** What becomes of its ports if it goes on like this. */
  readonly ports: PortCourse;
  /** Connections opened for each request. Left out where the requests are not known. */
  readonly openedPerRequest?: number;
  /** Whether connections are opened that need not be. Left out where the requests are not known. */
  readonly churns?: boolean;
  /** What another pool would do. Left out where the requests are not known. */
  readonly withPool?: Prediction;
  /** What that rests on. Left out with it. */
  readonly assumed?: AssumedLoad;
}

/** The load that a destination is taken to have. */
export interface AssumedLoad {
  /** Requests a second: its part of all, in the proportion of its connections. */
  readonly ratePerSec: number;
  /** Time until an answer, in milliseconds. */
  readonly latencyMs: number;
  /**
   * Whether that is a guess, because nobody has said it: the longest time that the established connections
   * allow at this rate, if all of them are busy (Little).
   */
  readonly isLatencyGuessed: boolean;
}

/** Predicts each destination; requests go to them in the proportion of their connections. */
export function predictCapture(
  { destinations }: { readonly destinations: readonly CapturedDestination[] },
  { requestsPerSec, latencyMs, ports = DEFAULT_PORTS, pool, question = {} }: KnownLoad = {},
): PredictedDestination[] {
  const weight = ({ established, openedPerSec }: CapturedDestination) => established + openedPerSec;
  const sum = destinations.reduce((total, destination) => total + weight(destination), 0);
  return destinations.map((destination) => {
    const { name, established, openedPerSec } = destination;
    const now = { name, openedPerSec, ports: courseOfPorts({ openedPerSec, standing: established, ports }) };
    if (requestsPerSec === undefined || sum === 0) return now;
    const ratePerSec = requestsPerSec * weight(destination) / sum;
    if (ratePerSec === 0) return { ...now, churns: openedPerSec > 0 };
    const assumed: AssumedLoad = {
      ratePerSec,
      latencyMs: latencyMs ?? established / ratePerSec * 1000,
      isLatencyGuessed: latencyMs === undefined,
    };
    return {
      ...now,
      openedPerRequest: openedPerSec / ratePerSec,
      churns: openedPerSec > CHURN_SHARE * ratePerSec,
      assumed,
      withPool: predict({
        connections: Math.max(1, established),
        ports,
        ...question,
        latencyMs: assumed.latencyMs,
        ratePerSec,
        pool,
      }),
    };
  });
}

/**
 * Predicts from what was read of a live machine: the seam at which a capture comes in.
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
  /** What becomes of its ports if it goes on like this. */
  readonly ports: PortCourse;
  /** Whether connections are opened that need not be. Left out where the requests are not known. */
  readonly churns?: boolean;
  /** What another pool would do. Left out where requests or latency are not known. */
  readonly withPool?: Prediction;
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
    const ratePerSec = requestsPerSec === undefined || sum === 0
      ? undefined
      : requestsPerSec * weight(destination) / sum;
    return {
      name,
      ports: courseOfPorts({ openedPerSec, standing: established, ports }),
      ...(ratePerSec === undefined ? {} : { churns: openedPerSec > CHURN_SHARE * ratePerSec }),
      ...(ratePerSec === undefined || ratePerSec === 0 || latencyMs === undefined ? {} : {
        withPool: predict({
          connections: Math.max(1, established),
          ports,
          ...question,
          latencyMs,
          ratePerSec,
          pool,
        }),
      }),
    };
  });
}

/**
 * The witness: what the backend has seen of each connection to it while a load ran, as counts and
 * distributions. It is where the causes are read off, because the backend sees what the kernel's tables do
 * not keep: how many requests a connection carried, what they asked, and in which moment it ended.
 *
 * @module
 */

import type { Amount, Count } from "../figures.ts";

/**
 * What one backend has seen from the beginning of the load to its end. A connection counts from the head of
 * its first request on: see {@linkcode Witness.unused}.
 */
export interface Witness {
  /** The backend: `HOST:PORT`. */
  readonly backend: string;
  /** Connections that already stood when the load began: those of the warm-up that were kept. */
  readonly stoodBefore: Count;
  /** Connections whose first request came while the load ran. */
  readonly accepted: Count;
  /**
   * Connections that sent no head of a request until they ended, or until the load did: those of a probe of
   * connects are among them. They are counted nowhere else. Left out where there was none.
   */
  readonly unused?: Count;
  /** Requests that were read to their end. */
  readonly requests: Count;
  /** Those of HTTP/1.0. */
  readonly http10: Count;
  /**
   * Those that asked for the end of their connection: `Connection: close`, or HTTP/1.0 without `keep-alive`.
   */
  readonly askedToClose: Count;
  /**
   * Requests, begun or read to their end, whose connection ended before the answer was sent whole. A peer
   * that has sent its FIN may still read: a request whose answer could be sent after that is not among them.
   */
  readonly unanswered: Count;
  /** The most connections that stood at one time. */
  readonly openPeak: Count;
  /**
   * How many connections were busy, from the first request to the last answer. Left out where nothing was
   * asked, and in a document of an older version.
   */
  readonly busy?: BusyConnections;
  /** Connections that ended while the load ran, by how they ended; the largest group first. */
  readonly ended: readonly EndedConnections[];
  /** Connections that still stood at the end of the load. */
  readonly open: OpenConnections;
}

/** Connections that ended in the same way. */
export interface EndedConnections {
  /**
   * Who ended them: `peer` is who had opened them, a gateway or a client. A FIN that crossed the other side's
   * counts for who was seen first.
   */
  readonly by: "peer" | "backend";
  /** How: in order, or by a reset. */
  readonly how: "fin" | "rst";
  /**
   * In which moment: `idle` between requests, or before the first; `request` while a request was read, or
   * waited for its answer; `answer` while an answer was being sent.
   */
  readonly at: "idle" | "request" | "answer";
  /** How many. */
  readonly connections: Count;
  /** How many of them had been asked to end by their last request. */
  readonly askedToClose: Count;
  /** How many of them had been told of their end by the backend's last answer (`Connection: close`). */
  readonly announced: Count;
  /** Requests that each had carried in all, those of the warm-up among them. */
  readonly requests: Distribution;
  /** How long each had been idle when it ended, in milliseconds. Left out unless `at` is `idle`. */
  readonly idleMs?: Distribution;
  /** How long each had stood when it ended, in milliseconds. */
  readonly ageMs: Distribution;
}

/**
 * How many connections were busy at a time. One is so from the first byte of a request until its answer was
 * sent whole.
 */
export interface BusyConnections {
  /** From the first request to the last answer, in milliseconds. */
  readonly spanMs: Amount;
  /** How many were busy on average over that time. */
  readonly mean: Amount;
  /** The most that were busy, but for 1% of the time. */
  readonly most: Count;
  /**
   * The share of the time in which so many were, or at most 3% fewer. It is high under a cap, where a request
   * waits for each connection that becomes free. Where connections are opened as they are needed, the most is
   * that of moments.
   */
  readonly fullShare: Amount;
}

/** Connections that stand. */
export interface OpenConnections {
  /** How many. */
  readonly connections: Count;
  /** How many of them wait for an answer, or have begun a request. */
  readonly busy: Count;
  /** Requests that each has carried until now, those of the warm-up among them. */
  readonly requests: Distribution;
  /** How long each that is idle has been so, in milliseconds. Left out where none is. */
  readonly idleMs?: Distribution;
}

/** How a figure is spread over connections. All are 0, and `most` is empty, where there is no connection. */
export interface Distribution {
  /** The smallest. */
  readonly min: Amount;
  /** The 5th percentile. */
  readonly p5: Amount;
  /** The median. */
  readonly p50: Amount;
  /** The 95th percentile. */
  readonly p95: Amount;
  /** The largest. */
  readonly max: Amount;
  /** The mean. */
  readonly mean: Amount;
  /**
   * The values that most connections share, each with their number, the most frequent first: at most 16.
   * Milliseconds are whole.
   */
  readonly most: readonly { readonly value: Amount; readonly connections: Count }[];
}

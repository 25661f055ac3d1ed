/**
 * What a simulation counts.
 *
 * @module
 */

import type { EventQueue } from "./event_queue.ts";

/** What a simulation has come to, from where it was counted on. */
export interface Tallied {
  /** Seconds that were counted. */
  readonly durationSec: number;
  /** Requests that were answered. */
  readonly requests: number;
  /** Connections opened. */
  readonly opened: number;
  /** Connections that the gateway closed. */
  readonly closed: number;
  /** Requests that were answered in the second half of the time. */
  readonly requestsLate: number;
  /** Connections opened in the second half of the time. */
  readonly openedLate: number;
  /** Connections that the gateway closed in the second half of the time. */
  readonly closedLate: number;
  /** Requests refused because too many waited at the hard cap. */
  readonly refused: number;
  /** Requests that failed for want of a port. */
  readonly lackedPort: number;
  /** When the first of them did, in seconds of the simulation. Left out where none did. */
  readonly exhaustedSec?: number;
  /** Requests that had a connection, on average over the time. */
  readonly busyMean: number;
  /** The most requests that had a connection at one time. */
  readonly busyPeak: number;
  /** How long a request had its connection, on average, in seconds. */
  readonly holdSec: number;
  /** The most requests that waited for one host at the hard cap. */
  readonly queuePeak: number;
  /** Requests that waited at the hard cap, as a share of all. */
  readonly queuedShare: number;
  /** Requests that waited at the hard cap, on average over the time. */
  readonly queueMean: number;
  /**
   * Requests that came in a row, with no connection given back in between, for the mean request: the batch
   * that the pool has to bridge.
   */
  readonly batch: number;
  /** CPU time that all threads have used, as a number of CPUs. */
  readonly cpus: number;
}

/** What is counted as it happens. */
interface Counts {
  requests: number;
  opened: number;
  closed: number;
  arrived: number;
  queued: number;
  refused: number;
  lackedPort: number;
  holds: number;
  holdSec: number;
  runs: number;
  runSquares: number;
  queueSec: number;
}

const NOTHING: Readonly<Counts> = {
  requests: 0,
  opened: 0,
  closed: 0,
  arrived: 0,
  queued: 0,
  refused: 0,
  lackedPort: 0,
  holds: 0,
  holdSec: 0,
  runs: 0,
  runSquares: 0,
  queueSec: 0,
};

/** Counts. Nothing before `fromSec` is in what it has come to. */
export class Tally {
  /** Connections that stand, by destination. */
  readonly standing: Int32Array;
  readonly #counts: Counts = { ...NOTHING };
  readonly #halfSec: number;
  #before: Readonly<Counts> = NOTHING;
  #untilHalf: Readonly<Counts> | undefined;
  #busyCpuSec = 0;
  #exhaustedSec: number | undefined;
  #busy = 0;
  #busyPeak = 0;
  #queue = 0;
  #queuePeak = 0;
  #queueSinceSec = 0;
  #run = 0;

  /** Reads the time from the queue of events. */
  constructor(
    private readonly events: EventQueue,
    destinations: number,
    private readonly span: { readonly fromSec: number; readonly untilSec: number },
  ) {
    this.standing = new Int32Array(destinations);
    this.#halfSec = (span.fromSec + span.untilSec) / 2;
  }

  /** From here on it counts; `cpuSec` is the CPU time used until now. */
  begin(cpuSec: number): void {
    this.#queueUntilNow();
    this.#before = { ...this.#counts };
    this.#busyCpuSec = cpuSec;
    this.#busyPeak = this.#busy;
    this.#queuePeak = this.#queue;
  }

  /** A request has come to a worker. */
  take(): void {
    this.#counts.arrived++;
    this.#run++;
  }

  /** A request has got a connection. */
  hold(): void {
    if (++this.#busy > this.#busyPeak) this.#busyPeak = this.#busy;
  }

  /** A request has given its connection back, which it had for so long. */
  release(sec: number): void {
    this.#busy--;
    this.#counts.holds++;
    this.#counts.holdSec += sec;
    this.#counts.runs += this.#run;
    this.#counts.runSquares += this.#run ** 2;
    this.#run = 0;
    if (this.#untilHalf === undefined && this.events.time >= this.#halfSec) {
      this.#untilHalf = { ...this.#counts };
    }
  }

  /** A connection is opened. */
  open(destination: number): void {
    this.standing[destination]!++;
    this.#counts.opened++;
  }

  /** The gateway has closed a connection. */
  close(destination: number): void {
    this.standing[destination]!--;
    this.#counts.closed++;
  }

  /** A request was answered, or refused. */
  answer(): void {
    this.#counts.requests++;
  }

  /** A request has to wait at the hard cap. */
  enqueue(): void {
    this.#queueUntilNow();
    this.#counts.queued++;
    if (++this.#queue > this.#queuePeak) this.#queuePeak = this.#queue;
  }

  /** A request waits at the hard cap no longer. */
  dequeue(): void {
    this.#queueUntilNow();
    this.#queue--;
  }

  /** A request was refused because too many wait. */
  refuse(): void {
    this.#counts.refused++;
  }

  /** A request failed for want of a port. */
  lackPort(): void {
    this.#counts.lackedPort++;
    this.#exhaustedSec ??= this.events.time;
  }

  /** What it has come to; `cpuSec` is the CPU time used until now. */
  end(cpuSec: number): Tallied {
    this.#queueUntilNow();
    const { fromSec, untilSec } = this.span;
    const durationSec = untilSec - fromSec;
    const since = (before: Readonly<Counts>) => (name: keyof Counts) => this.#counts[name] - before[name];
    const all = since(this.#before);
    const late = since(this.#untilHalf ?? this.#counts);
    return {
      durationSec,
      requests: all("requests"),
      opened: all("opened"),
      closed: all("closed"),
      requestsLate: late("requests"),
      openedLate: late("opened"),
      closedLate: late("closed"),
      refused: all("refused"),
      lackedPort: all("lackedPort"),
      ...(this.#exhaustedSec === undefined ? {} : { exhaustedSec: this.#exhaustedSec }),
      busyMean: all("holdSec") / durationSec,
      busyPeak: this.#busyPeak,
      holdSec: all("holdSec") / Math.max(1, all("holds")),
      queuePeak: this.#queuePeak,
      queuedShare: all("queued") / Math.max(1, all("arrived")),
      queueMean: all("queueSec") / durationSec,
      batch: all("runSquares") / Math.max(1, all("runs")),
      cpus: (cpuSec - this.#busyCpuSec) / durationSec,
    };
  }

  #queueUntilNow(): void {
    this.#counts.queueSec += this.#queue * (this.events.time - this.#queueSinceSec);
    this.#queueSinceSec = this.events.time;
  }
}

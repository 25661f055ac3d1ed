/**
 * An open loop: requests arrive at a constant rate, whether or not those before them were answered, and each
 * latency counts from the moment its request was due. So what waits behind a slow answer counts as slow, which a
 * closed loop leaves out (coordinated omission).
 *
 * autocannon, which also takes a rate, would not do: it sends the requests of each second at its beginning, and its
 * correction takes a rate per second for one per millisecond (`Math.ceil(1 / rate)` in lib/run.js of 9.0.0), so that
 * it adds an answer for each millisecond that any answer took.
 *
 * @module
 */

import type { Histogram } from "./latency.ts";
import type { LoadErrors } from "./load.ts";
import { OpenLoopConnection, type Outcome, type Target } from "./open_loop_connection.ts";

/** How much load, and where it goes. */
export interface OpenLoopOptions extends Target {
  /** Requests that arrive in a second, evenly spaced; above 0. */
  readonly ratePerSec: number;
  /** How long requests arrive, in milliseconds. What has arrived is waited for after that. */
  readonly durationMs: number;
  /** A request is given up this long after it was due, in milliseconds, and its connection closed. */
  readonly timeoutMs: number;
  /** The most connections, all opened before the first request is due. A request that finds none free waits for one. */
  readonly connections: number;
}

/** What became of the requests of an open loop: each is answered or stands in one of the errors. */
export interface OpenLoopResult {
  /** Requests that were due: rate × duration. */
  readonly due: number;
  /** Those answered before their timeout, whatever the status. */
  readonly answered: number;
  /** Those among the timeouts that were never sent, because no connection was free in time. */
  readonly unsent: number;
  /** Those that the generator itself took up more than {@linkcode LATE_MS} after they were due. */
  readonly late: number;
  /** Bytes of the answers, their heads included. */
  readonly bytesRead: number;
  /** The latencies of the answered ones from the moment each was due, in microseconds. */
  readonly histogram: Histogram;
  /** What went wrong. */
  readonly errors: LoadErrors;
}

/** A request taken up later than this after it was due, in milliseconds, is the generator's fault. */
export const LATE_MS = 10;

/** How often what has timed out is looked for, in milliseconds. */
const LOOK_MS = 20;

interface Arrival {
  readonly dueMs: number;
  connection: OpenLoopConnection | undefined;
  over: boolean;
}

/** An open loop under way. */
export interface RunningOpenLoop extends Disposable {
  /** Resolves when the last request was answered or given up; the connections stay open until this is disposed. */
  readonly over: Promise<OpenLoopResult>;
}

/** Opens the connections and starts to send. */
export async function startOpenLoop(options: OpenLoopOptions): Promise<RunningOpenLoop> {
  const connections = Array.from({ length: options.connections }, () => new OpenLoopConnection(options));
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, options.timeoutMs);
  const opened = Promise.all(connections.map((connection) => connection.connect()));
  await Promise.race([opened, enough.promise]).finally(() => clearTimeout(timer));
  return {
    over: sendAll(options, connections),
    [Symbol.dispose]: () => connections.forEach((connection) => connection[Symbol.dispose]()),
  };
}

function sendAll(options: OpenLoopOptions, connections: OpenLoopConnection[]): Promise<OpenLoopResult> {
  const { ratePerSec, durationMs, timeoutMs } = options;
  const due = Math.round(ratePerSec * durationMs / 1000);
  const histogram = new Map<number, number>();
  const errors = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };
  const free = new Fifo<OpenLoopConnection>();
  const waiting = new Fifo<Arrival>();
  // In the order in which they were due, so that the first is the first to time out.
  const open = new Fifo<Arrival>();
  let [arrived, answered, settled, unsent, late] = [0, 0, 0, 0, 0];
  for (const connection of connections) free.push(connection);

  const settle = (arrival: Arrival, outcome: Outcome) => {
    arrival.over = true;
    settled++;
    const tookMs = performance.now() - arrival.dueMs;
    if (tookMs >= timeoutMs) errors.timeout++;
    else if ("failed" in outcome) errors[outcome.failed]++;
    else {
      answered++;
      const us = Math.round(tookMs * 1000);
      histogram.set(us, (histogram.get(us) ?? 0) + 1);
      if (outcome.status < 200 || outcome.status > 399) errors.status++;
    }
    free.push(arrival.connection!);
    sendWaiting();
  };
  const sendWaiting = () => {
    while (free.first !== undefined && waiting.first !== undefined) {
      const arrival = waiting.shift()!;
      if (arrival.over) continue;
      const connection = arrival.connection = free.shift()!;
      connection.send((outcome) => settle(arrival, outcome));
    }
  };
  const giveUp = (nowMs: number) => {
    for (let first = open.first; first !== undefined; first = open.first) {
      if (!first.over && first.dueMs + timeoutMs > nowMs) return;
      open.shift();
      if (first.over) continue;
      first.over = true;
      settled++;
      errors.timeout++;
      if (first.connection === undefined) unsent++;
      else {
        first.connection.abandon();
        free.push(first.connection);
      }
    }
  };

  const { promise, resolve } = Promise.withResolvers<OpenLoopResult>();
  const startMs = performance.now();
  const dueAt = (index: number) => startMs + index * 1000 / ratePerSec;
  const tick = () => {
    const nowMs = performance.now();
    for (; arrived < due && dueAt(arrived) <= nowMs; arrived++) {
      const arrival: Arrival = { dueMs: dueAt(arrived), connection: undefined, over: false };
      if (nowMs - arrival.dueMs > LATE_MS) late++;
      waiting.push(arrival);
      open.push(arrival);
    }
    giveUp(nowMs);
    sendWaiting();
    if (settled === due) {
      const bytesRead = connections.reduce((sum, connection) => sum + connection.bytesRead, 0);
      return resolve({ due, answered, unsent, late, bytesRead, histogram, errors });
    }
    const nextMs = arrived < due ? dueAt(arrived) - performance.now() : LOOK_MS;
    setTimeout(tick, Math.min(LOOK_MS, Math.max(0, nextMs)));
  };
  tick();
  return promise;
}

/** First in, first out, in constant time. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

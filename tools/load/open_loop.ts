/**
 * An open loop: requests arrive at a constant rate, whether or not earlier ones were answered, and each
 * latency counts from the moment its request was due. So a request that waits behind a slow answer counts as
 * slow too, which a closed loop leaves out (coordinated omission).
 *
 * autocannon takes a rate as well, and would not do. It sends the requests of each second at the beginning of
 * that second. And its correction mistakes a rate per second for one per millisecond (`Math.ceil(1 / rate)`
 * in lib/run.js of 9.0.0), so it adds an answer for each millisecond that any answer took.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import type { AbandonPlan, BurstPlan } from "../scenario/plan.ts";
import { sendingMs } from "../scenario/resolve_requests.ts";
import type { Histogram } from "./latency.ts";
import type { LoadErrors } from "./load.ts";
import { OpenLoopConnection, type Outcome, type Target } from "./open_loop_connection.ts";

/** How much load, and where it goes. */
export interface OpenLoopOptions extends Target {
  /** Requests that arrive in a second, evenly spaced; above 0. */
  readonly ratePerSec: number;
  /** How long requests arrive, in milliseconds. After that the loop waits for those that are not over. */
  readonly durationMs: number;
  /** How long after it was due a request is given up and its connection closed, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Connections, all opened before the first request is due. A request that finds none of them free waits.
   */
  readonly connections: number;
  /** Requests are due in the bursts alone, at the rate. Left out: all the time. */
  readonly burst?: BurstPlan;
  /** What is waited for once the connections are open, before the first request. Left out: nothing. */
  readonly begin?: (() => Promise<void>) | undefined;
  /** The clients of some requests leave before their answer. Left out: none. */
  readonly abandon?: AbandonPlan;
}

/**
 * What became of the requests of an open loop: each was answered, given up by its client, or counts as an
 * error.
 */
export interface OpenLoopResult {
  /** Requests that were due: rate × duration without its pauses. */
  readonly due: number;
  /** Requests answered before their timeout, whatever the status. */
  readonly answered: number;
  /** Requests that timed out before they were sent, because no connection was free. */
  readonly unsent: number;
  /** Requests that the generator itself took up more than 10 ms after they were due. */
  readonly late: number;
  /** Requests whose client left before the answer, as it was told to. They are no errors. */
  readonly abandoned: number;
  /** Bytes of the answers, their heads included. */
  readonly bytesRead: number;
  /** Latencies of the answered requests from the moment each was due, in microseconds. */
  readonly histogram: Histogram;
  /** What went wrong. */
  readonly errors: LoadErrors;
}

/**
 * How long after it was due a request may be taken up, in milliseconds. Anything later is the fault of the
 * generator.
 */
const LATE_MS = 10;

/** How often the loop looks for requests that have timed out, in milliseconds. */
const LOOK_MS = 20;

interface Arrival {
  readonly dueMs: number;
  /** Whether its client leaves before the answer. */
  readonly leaves: boolean;
  /** Its client leaves when this timer is over. */
  leaving?: ReturnType<typeof setTimeout>;
  connection: OpenLoopConnection | undefined;
  over: boolean;
}

/** An open loop under way. */
export interface RunningOpenLoop extends Disposable {
  /**
   * Resolves when the last request was answered or given up. The connections stay open until the loop is
   * disposed.
   */
  readonly over: Promise<OpenLoopResult>;
}

/** Opens the connections, waits until all are open or the timeout is over, and starts to send. */
export async function startOpenLoop(options: OpenLoopOptions): Promise<RunningOpenLoop> {
  const connections = Array.from({ length: options.connections }, () => new OpenLoopConnection(options));
  const opened = Promise.all(connections.map((connection) => connection.connect()));
  // Those that are not open by then are opened by the first request that gets them.
  await deadline(opened, options.timeoutMs).catch(() => {});
  await options.begin?.();
  return {
    over: new OpenLoop(options, connections).run(),
    [Symbol.dispose]: () => connections.forEach((connection) => connection[Symbol.dispose]()),
  };
}

/**
 * The requests of a load: sends each when it is due or a connection becomes free, and counts what becomes of
 * it.
 */
class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #connections: readonly OpenLoopConnection[];
  readonly #due: number;
  readonly #histogram = new Map<number, number>();
  readonly #errors = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };
  readonly #free = new Fifo<OpenLoopConnection>();
  /** Requests that are due and not sent. */
  readonly #waiting = new Fifo<Arrival>();
  /**
   * Requests that may still time out, in the order in which they were due: the first is the next to time out.
   */
  readonly #open = new Fifo<Arrival>();
  readonly #over = Promise.withResolvers<OpenLoopResult>();
  #startMs = 0;
  #arrived = 0;
  #answered = 0;
  #settled = 0;
  #unsent = 0;
  #late = 0;
  #abandoned = 0;

  constructor(options: OpenLoopOptions, connections: readonly OpenLoopConnection[]) {
    this.#options = options;
    this.#connections = connections;
    this.#due = Math.round(options.ratePerSec * sendingMs(options.durationMs, options.burst) / 1000);
    for (const connection of connections) this.#free.push(connection);
  }

  /** Sends all requests, and resolves when each is answered or given up. */
  run(): Promise<OpenLoopResult> {
    this.#startMs = performance.now();
    this.#tick();
    return this.#over.promise;
  }

  #dueAt(index: number): number {
    const { ratePerSec, burst } = this.#options;
    const sentMs = index * 1000 / ratePerSec;
    if (burst === undefined) return this.#startMs + sentMs;
    // Multiplied first, so that the request that begins a burst is not counted to the one before by rounding.
    const pauses = Math.floor(index * 1000 / (ratePerSec * burst.onMs));
    return this.#startMs + sentMs + pauses * burst.offMs;
  }

  /** Spreads the clients that leave evenly over the load. */
  #leaves(index: number): boolean {
    const share = this.#options.abandon?.share ?? 0;
    return Math.floor((index + 1) * share) > Math.floor(index * share);
  }

  /** Does what there is to do now, and sees to it that it is called again when there is more. */
  #tick(): void {
    const nowMs = performance.now();
    this.#takeUp(nowMs);
    this.#giveUp(nowMs);
    this.#sendWaiting();
    if (this.#settled === this.#due) return this.#over.resolve(this.#result());
    const nextMs = this.#arrived < this.#due ? this.#dueAt(this.#arrived) - performance.now() : LOOK_MS;
    setTimeout(() => this.#tick(), Math.min(LOOK_MS, Math.max(0, nextMs)));
  }

  /** Takes up the requests that have become due. */
  #takeUp(nowMs: number): void {
    for (; this.#arrived < this.#due && this.#dueAt(this.#arrived) <= nowMs; this.#arrived++) {
      const arrival: Arrival = {
        dueMs: this.#dueAt(this.#arrived),
        leaves: this.#leaves(this.#arrived),
        connection: undefined,
        over: false,
      };
      if (nowMs - arrival.dueMs > LATE_MS) this.#late++;
      this.#waiting.push(arrival);
      this.#open.push(arrival);
    }
  }

  /** Gives up the requests that have timed out, and closes their connections. */
  #giveUp(nowMs: number): void {
    const { timeoutMs } = this.#options;
    for (let first = this.#open.first; first !== undefined; first = this.#open.first) {
      if (!first.over && first.dueMs + timeoutMs > nowMs) return;
      this.#open.shift();
      if (first.over) continue;
      first.over = true;
      clearTimeout(first.leaving);
      this.#settled++;
      this.#errors.timeout++;
      if (first.connection === undefined) this.#unsent++;
      else {
        first.connection.abandon();
        this.#free.push(first.connection);
      }
    }
  }

  /** Sends waiting requests, as long as a connection is free. */
  #sendWaiting(): void {
    while (this.#free.first !== undefined && this.#waiting.first !== undefined) {
      const arrival = this.#waiting.shift()!;
      if (arrival.over) continue;
      const connection = arrival.connection = this.#free.shift()!;
      connection.send((outcome) => this.#settle(arrival, connection, outcome));
      if (!arrival.leaves) continue;
      arrival.leaving = setTimeout(() => this.#leave(arrival, connection), this.#options.abandon!.afterMs);
    }
  }

  /** The client of a request leaves: its connection closes, and the next request there opens another. */
  #leave(arrival: Arrival, connection: OpenLoopConnection): void {
    arrival.over = true;
    this.#settled++;
    this.#abandoned++;
    connection.abandon();
    this.#free.push(connection);
    this.#sendWaiting();
  }

  /** Counts the outcome of a request. Its connection is free again. */
  #settle(arrival: Arrival, connection: OpenLoopConnection, outcome: Outcome): void {
    arrival.over = true;
    clearTimeout(arrival.leaving);
    this.#settled++;
    const tookMs = performance.now() - arrival.dueMs;
    if (tookMs >= this.#options.timeoutMs) this.#errors.timeout++;
    else if ("failed" in outcome) this.#errors[outcome.failed]++;
    else {
      this.#answered++;
      const us = Math.round(tookMs * 1000);
      this.#histogram.set(us, (this.#histogram.get(us) ?? 0) + 1);
      if (outcome.status < 200 || outcome.status > 399) this.#errors.status++;
    }
    this.#free.push(connection);
    this.#sendWaiting();
  }

  #result(): OpenLoopResult {
    return {
      due: this.#due,
      answered: this.#answered,
      unsent: this.#unsent,
      late: this.#late,
      abandoned: this.#abandoned,
      bytesRead: this.#connections.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
      histogram: this.#histogram,
      errors: this.#errors,
    };
  }
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

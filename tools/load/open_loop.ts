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
import { type Histogram, LatencyCounts } from "./latency.ts";
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
  /**
   * How long after it was due the generator took each request up, in microseconds: its own part of every
   * latency.
   */
  readonly lateness: Histogram;
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
  const loop = new OpenLoop(options);
  await loop.connect();
  await options.begin?.();
  return { over: loop.run(), [Symbol.dispose]: () => loop[Symbol.dispose]() };
}

/** A request whose client leaves, if it is still under way then. */
interface Leaver {
  readonly connection: OpenLoopConnection;
  /** When the request was due, by which it is known. */
  readonly dueMs: number;
  /** When its client leaves. */
  readonly atMs: number;
}

/**
 * The requests of a load: sends each when it is due or a connection becomes free, and counts what becomes of
 * it.
 *
 * A request is a number, from which follows when it is due. They are taken up, sent and given up in this
 * order, so that those that wait for a connection are the numbers between two counters.
 */
class OpenLoop implements Disposable {
  readonly #options: OpenLoopOptions;
  readonly #connections: readonly OpenLoopConnection[];
  readonly #due: number;
  readonly #latency = new LatencyCounts();
  readonly #lateness = new LatencyCounts();
  readonly #errors = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };
  readonly #free = new Fifo<OpenLoopConnection>();
  /** In the order in which they leave. */
  readonly #leavers = new Fifo<Leaver>();
  readonly #over = Promise.withResolvers<OpenLoopResult>();
  #startMs = 0;
  /** Requests that were taken up. */
  #arrived = 0;
  /** When the next request is due; `Infinity` after the last one. */
  #nextDueMs = 0;
  /** Requests of those that were sent, or given up before. */
  #begun = 0;
  #lookAtMs = 0;
  #answered = 0;
  #settled = 0;
  #unsent = 0;
  #late = 0;
  #abandoned = 0;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#due = Math.round(options.ratePerSec * sendingMs(options.durationMs, options.burst) / 1000);
    this.#connections = Array.from(
      { length: options.connections },
      () => new OpenLoopConnection(options, this.#settle),
    );
    for (const connection of this.#connections) this.#free.push(connection);
  }

  /**
   * Opens the connections. Those that are not open in time are opened by the first request that gets them.
   */
  async connect(): Promise<void> {
    const opened = Promise.all(this.#connections.map((connection) => connection.connect()));
    await deadline(opened, this.#options.timeoutMs).catch(() => {});
  }

  /** Sends all requests, and resolves when each is answered or given up. */
  run(): Promise<OpenLoopResult> {
    this.#startMs = this.#nextDueMs = this.#lookAtMs = performance.now();
    this.#tick();
    return this.#over.promise;
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection[Symbol.dispose]();
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
    this.#letLeave(nowMs);
    if (nowMs >= this.#lookAtMs) this.#giveUp(nowMs);
    this.#sendWaiting();
    if (this.#settled === this.#due) return this.#over.resolve(this.#result());
    const nextMs = Math.min(this.#nextDueMs, this.#leavers.first?.atMs ?? Infinity, this.#lookAtMs);
    setTimeout(() => this.#tick(), Math.max(0, nextMs - performance.now()));
  }

  /**
   * Takes up the requests that have become due. Each answer is an occasion as well, so that a high rate is
   * not sent in the steps of a timer.
   */
  #takeUp(nowMs: number): void {
    while (this.#nextDueMs <= nowMs) {
      const lateMs = nowMs - this.#nextDueMs;
      this.#lateness.add(lateMs * 1000);
      if (lateMs > LATE_MS) this.#late++;
      this.#nextDueMs = ++this.#arrived < this.#due ? this.#dueAt(this.#arrived) : Infinity;
    }
  }

  /** Gives up the requests that have timed out, and closes their connections. */
  #giveUp(nowMs: number): void {
    this.#lookAtMs = nowMs + LOOK_MS;
    const dueMs = nowMs - this.#options.timeoutMs;
    for (; this.#begun < this.#arrived && this.#dueAt(this.#begun) <= dueMs; this.#begun++) {
      this.#settled++;
      this.#unsent++;
      this.#errors.timeout++;
    }
    for (const connection of this.#connections) {
      if (connection.dueMs > dueMs) continue;
      this.#errors.timeout++;
      this.#breakOff(connection);
    }
  }

  /** Closes the connections of clients that leave now: the next request there opens another. */
  #letLeave(nowMs: number): void {
    for (let first = this.#leavers.first; first !== undefined; first = this.#leavers.first) {
      if (first.atMs > nowMs) return;
      this.#leavers.shift();
      if (first.connection.dueMs !== first.dueMs) continue;
      this.#abandoned++;
      this.#breakOff(first.connection);
    }
  }

  #breakOff(connection: OpenLoopConnection): void {
    this.#settled++;
    connection.abandon();
    connection.dueMs = Infinity;
    this.#free.push(connection);
  }

  /** Sends waiting requests, as long as a connection is free. */
  #sendWaiting(): void {
    while (this.#begun < this.#arrived) {
      const connection = this.#free.shift();
      if (connection === undefined) return;
      const index = this.#begun++;
      const dueMs = connection.dueMs = this.#dueAt(index);
      connection.send();
      if (!this.#leaves(index)) continue;
      this.#leavers.push({ connection, dueMs, atMs: performance.now() + this.#options.abandon!.afterMs });
    }
  }

  /** Counts the outcome of a request. Its connection is free again. */
  readonly #settle = (connection: OpenLoopConnection, outcome: Outcome): void => {
    const nowMs = performance.now();
    const tookMs = nowMs - connection.dueMs;
    connection.dueMs = Infinity;
    this.#settled++;
    if (tookMs >= this.#options.timeoutMs) this.#errors.timeout++;
    else if (typeof outcome === "string") this.#errors[outcome]++;
    else {
      this.#answered++;
      this.#latency.add(tookMs * 1000);
      if (outcome < 200 || outcome > 399) this.#errors.status++;
    }
    this.#free.push(connection);
    this.#takeUp(nowMs);
    this.#sendWaiting();
  };

  #result(): OpenLoopResult {
    return {
      due: this.#due,
      answered: this.#answered,
      unsent: this.#unsent,
      late: this.#late,
      lateness: this.#lateness.histogram(),
      abandoned: this.#abandoned,
      bytesRead: this.#connections.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
      histogram: this.#latency.histogram(),
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

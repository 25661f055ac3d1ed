/**
 * Threads that share CPUs, each with a queue of jobs: what makes requests pile up while a thread waits for
 * its turn, and then come in a batch.
 *
 * @module
 */

import type { EventQueue } from "./event_queue.ts";
import { NumberQueue } from "./number_queue.ts";

/** What does the jobs of a queue. */
export interface Party {
  /** Decides what a job does as it begins, and returns its CPU time in seconds. */
  begin(job: number, thread: number): number;
  /** Passes on what a job has come to as it ends. */
  end(job: number, thread: number): void;
}

/** Jobs that are ready, in the order in which a party does them. */
export class JobQueue {
  readonly #answers = new NumberQueue();
  readonly #others = new NumberQueue();
  readonly #drawBatch: (() => number) | undefined;
  #answersInRound = 0;
  #othersInRound = 0;
  /** The threads that work on it. */
  readonly threads: number[] = [];

  /**
   * So many answers as `drawBatch` says come before the other jobs of a round; left out where all come in
   * turn.
   */
  constructor(readonly party: Party, drawBatch: (() => number) | undefined) {
    this.#drawBatch = drawBatch;
  }

  /** Adds a job. */
  push(job: number, isAnswer: boolean): void {
    (isAnswer && this.#drawBatch !== undefined ? this.#answers : this.#others).push(job);
  }

  /** The next job; `NaN` where none is ready. */
  shift(): number {
    if (this.#drawBatch === undefined) return this.#others.shift();
    if (this.#answersInRound === 0 && this.#othersInRound === 0) {
      this.#answersInRound = Math.min(this.#drawBatch(), this.#answers.size);
      this.#othersInRound = this.#others.size;
    }
    if (this.#answersInRound > 0) {
      this.#answersInRound--;
      return this.#answers.shift();
    }
    if (this.#othersInRound > 0) this.#othersInRound--;
    return this.#others.shift();
  }
}

interface Thread {
  readonly id: number;
  readonly queue: JobQueue;
  state: "asleep" | "waiting" | "running";
  sinceSec: number;
  job: number;
}

/**
 * The CPUs, and who runs on them. A thread gives its CPU up when it has nothing to do, or its slice is over.
 */
export class Processors {
  readonly #threads: Thread[] = [];
  readonly #waiting = new NumberQueue();
  #free: number;

  /** CPU time that all threads have used, in seconds. */
  busySec = 0;

  /** `eventOf` makes the event with which a thread's job ends. */
  constructor(
    private readonly events: EventQueue,
    cpus: number,
    private readonly sliceSec: number,
    private readonly eventOf: (thread: number) => number,
  ) {
    this.#free = cpus;
  }

  /** Adds a queue of jobs with its threads. */
  queue(party: Party, threads: number, drawBatch?: () => number): JobQueue {
    const queue = new JobQueue(party, drawBatch);
    for (let i = 0; i < threads; i++) {
      const id = this.#threads.length;
      this.#threads.push({ id, queue, state: "asleep", sinceSec: 0, job: NaN });
      queue.threads.push(id);
    }
    return queue;
  }

  /** Gives a job to a queue, and wakes a thread for it. */
  give(queue: JobQueue, job: number, isAnswer = false): void {
    queue.push(job, isAnswer);
    for (const id of queue.threads) {
      const thread = this.#threads[id]!;
      if (thread.state !== "asleep") continue;
      if (this.#free > 0) {
        this.#free--;
        this.#start(thread);
      } else {
        thread.state = "waiting";
        this.#waiting.push(id);
      }
      return;
    }
  }

  /** A thread's job has ended. */
  ended(id: number): void {
    const thread = this.#threads[id]!;
    thread.queue.party.end(thread.job, id);
    if (this.#waiting.size > 0 && this.events.time - thread.sinceSec > this.sliceSec) {
      thread.state = "waiting";
      this.#waiting.push(id);
      this.#start(this.#threads[this.#waiting.shift()]!);
    } else this.#next(thread);
  }

  #start(thread: Thread): void {
    thread.state = "running";
    thread.sinceSec = this.events.time;
    this.#next(thread);
  }

  #next(thread: Thread): void {
    const job = thread.queue.shift();
    if (Number.isNaN(job)) {
      thread.state = "asleep";
      if (this.#waiting.size > 0) this.#start(this.#threads[this.#waiting.shift()]!);
      else this.#free++;
      return;
    }
    thread.job = job;
    const sec = thread.queue.party.begin(job, thread.id);
    this.busySec += sec;
    this.events.push(this.events.time + sec, this.eventOf(thread.id));
  }
}

/**
 * Several threads that share a port, each with a transport in it. The kernel divides the clients among them
 * (`SO_REUSEPORT`, socket(7)).
 *
 * Workers of every transport need two flags of `deno run`: `--allow-read` of the sources, or `--allow-import`
 * of the server that they came from, because each thread loads its source, and `--unstable-net`, because
 * sharing a port is an unstable feature of Deno. {@linkcode missingForWorkers} tells which are missing.
 *
 * @module
 */

import { TimewaitError, UnavailableError } from "../../errors.ts";
import { sourcePermission } from "../../paths.ts";
import type { ListenAddress } from "../../server/address.ts";
import { listenOn } from "../../server/listener.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

/** Running threads. Disposing them stops all at once, each in the way of its transport. */
export interface RunningWorkers<Counters> extends AsyncDisposable {
  /** Where the threads listen, with the real port if port 0 was asked for. */
  readonly address: ListenAddress;
  /** What has happened in each thread so far. Works after disposing as well. */
  counters(): Promise<Counters[]>;
}

/** Options of {@linkcode startWorkers}. */
export interface WorkersOptions<Start> {
  /** The module of the workers, which calls {@linkcode serveParent}. */
  readonly script: URL;
  /** Number of threads. */
  readonly count: number;
  /** Where clients connect. Port 0 asks the kernel for a free port, the same for all threads. */
  readonly listen: ListenAddress;
  /** The start message for the worker of this index. Every worker must listen on `listen`. */
  readonly startOf: (index: number, listen: ListenAddress) => Start;
  /** Receives each line for the gateway's log. */
  readonly log: (line: string) => void;
}

/**
 * Starts workers. An error that a worker does not catch ends the whole process, as it would without workers.
 *
 * @throws {UnavailableError} if something else listens already, or a worker cannot listen; the other workers
 * are stopped then.
 * @throws {Error} if a worker fails in another way; the other workers are stopped then as well.
 */
export async function startWorkers<Start, Counters>(
  { script, count, listen, startOf, log }: WorkersOptions<Start>,
): Promise<RunningWorkers<Counters>> {
  assertPortIsFree(listen);
  await using started = new AsyncDisposableStack();
  const workers: WorkerThread<Start, Counters>[] = [];
  let address = listen;
  for (let i = 0; i < count; i++) {
    const worker = started.use(new WorkerThread<Start, Counters>(script, log));
    address = await worker.start(startOf(i, address));
    workers.push(worker);
  }
  const parts = started.move();
  return {
    address,
    counters: () => Promise.all(workers.map((worker) => worker.counters())),
    // All stop at once; one after the other, their graces would add up.
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
      await parts.disposeAsync();
    },
  };
}

/**
 * Makes sure that nobody else listens. All processes of a user may share a port, so a forgotten gateway would
 * get half of the clients.
 */
function assertPortIsFree(listen: ListenAddress): void {
  if (listen.port !== 0) listenOn(listen).close();
}

/**
 * Checks a number of workers.
 *
 * @throws {TimewaitError} for less than 1.
 * @throws {UnavailableError} for more than 1 where Deno does not permit them; says which flags do.
 */
export function checkWorkers(workers: number): void {
  if (!(Number.isInteger(workers) && workers >= 1)) {
    throw new TimewaitError(`must be a whole number of at least 1, not ${workers}`, { field: "workers" });
  }
  const missing = missingForWorkers();
  if (workers === 1 || missing.length === 0) return;
  throw new UnavailableError(
    `${workers} workers need ${missing.join(" and ")}: give these to deno run, or ask for 1 worker`,
  );
}

/** The flags of `deno run` that more than one worker would need and that were not given. */
export function missingForWorkers(): string[] {
  const { flag, descriptor } = sourcePermission();
  const missing: string[] = [];
  if (Deno.permissions.querySync(descriptor).state !== "granted") missing.push(flag);
  // `Deno.listenDatagram` is there only with the same flag as `reusePort`.
  if (!("listenDatagram" in Deno)) missing.push("--unstable-net");
  return missing;
}

/** The share of a limit for the worker of this index. The shares of all workers add up to the limit. */
export function shareOf(limit: number, count: number, index: number): number {
  return Math.floor(limit / count) + (index < limit % count ? 1 : 0);
}

/** A thread with a transport in it. */
class WorkerThread<Start, Counters> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #log: (line: string) => void;
  #answered: ((answer: FromWorker<Counters>) => void) | undefined;
  /** The last message of a worker that has ended, or why it failed. Such a worker answers no more. */
  #last: FromWorker<Counters> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #started = false;

  constructor(script: URL, log: (line: string) => void) {
    this.#worker = new Worker(script, { type: "module" });
    this.#log = log;
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker<Counters>>) => {
      if (data.say === "log") return this.#log(data.line);
      if (data.say === "stopped") this.#last = data;
      this.#answered?.(data);
    };
    this.#worker.onerror = (event) => {
      // A worker that cannot be loaded is an error of the start. A later error is not caught here, and ends
      // the process.
      if (!this.#started) event.preventDefault();
      this.#last = { say: "failed", message: event.message, unavailable: false };
      this.#answered?.(this.#last);
    };
  }

  async start(start: Start): Promise<ListenAddress> {
    const answer = await this.#ask({ ask: "start", start });
    if (answer.say === "failed" && answer.unavailable) throw new UnavailableError(answer.message);
    if (answer.say !== "listening") throw new Error(answer.say === "failed" ? answer.message : answer.say);
    this.#started = true;
    return answer.address;
  }

  async counters(): Promise<Counters> {
    const answer = await this.#ask({ ask: "counters" });
    if (!("counters" in answer)) throw new Error("a worker of the gateway is gone");
    return answer.counters;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#started) await this.#ask({ ask: "stop" });
    this.#worker.terminate();
  }

  /**
   * Asks one question at a time, each after the answer to the one before. A worker that has ended gives its
   * last answer again.
   */
  #ask(question: ToWorker<Start>): Promise<FromWorker<Counters>> {
    const answer = this.#turn.then(() =>
      this.#last ?? new Promise<FromWorker<Counters>>((resolve) => {
        this.#answered = resolve;
        this.#worker.postMessage(question);
      })
    );
    this.#turn = answer;
    return answer;
  }
}

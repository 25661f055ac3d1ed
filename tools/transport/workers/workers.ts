/**
 * Several threads that share a port, each with a transport in it: the kernel shares the clients out among them
 * (`SO_REUSEPORT`, socket(7)).
 *
 * Each thread reads its own source, and sharing a port is an unstable feature of Deno: `--allow-read=tools --unstable-net`.
 *
 * @module
 */

import { TimewaitError, UnavailableError } from "../../errors.ts";
import type { ListenAddress } from "../../server/address.ts";
import { listenOn } from "../../server/listener.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

/** Threads that run. Disposing them stops all at once, each as its transport stops. */
export interface RunningWorkers<Counters> extends AsyncDisposable {
  /** Where they listen: the port is the real one, also where 0 was asked for. */
  readonly address: ListenAddress;
  /** What happened in each so far. Works after disposing as well. */
  counters(): Promise<Counters[]>;
}

/** What is to be started. */
export interface WorkersOptions<Start> {
  /** The module of the workers, which calls {@linkcode serveParent}. */
  readonly script: URL;
  /** How many threads. */
  readonly count: number;
  /** Where clients connect. Port 0 asks the kernel for a free one, the same for all. */
  readonly listen: ListenAddress;
  /** What the worker of this index is told; all must listen on `listen`. */
  readonly startOf: (index: number, listen: ListenAddress) => Start;
  /** Receives each line for the gateway's log. */
  readonly log: (line: string) => void;
}

/**
 * Starts workers. An error that none of them catches is one of the whole process, as it would be without workers.
 *
 * @throws {UnavailableError} where something else listens already, or one of them cannot; the others are stopped then.
 * @throws {Error} where one of them fails in another way; the others are stopped then as well.
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
    // All at once: one after the other would add their graces up.
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
      await parts.disposeAsync();
    },
  };
}

/** Sharing a port is permitted to all of a user's processes: a gateway forgotten there would get half of the clients. */
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

/** The flags of `deno run` that more than one worker would need, and that were not given. */
export function missingForWorkers(): string[] {
  const path = decodeURIComponent(new URL("../../", import.meta.url).pathname).replace(/\/$/, "");
  const missing: string[] = [];
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    missing.push(`--allow-read=${path}`);
  }
  // `Deno.listenDatagram` is there only with the same flag as `reusePort`.
  if (!("listenDatagram" in Deno)) missing.push("--unstable-net");
  return missing;
}

/** The part of a limit that the worker of this index gets, so that the parts of all workers are the whole. */
export function shareOf(limit: number, count: number, index: number): number {
  return Math.floor(limit / count) + (index < limit % count ? 1 : 0);
}

/** A thread with a transport in it. */
class WorkerThread<Start, Counters> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #log: (line: string) => void;
  #answered: ((answer: FromWorker<Counters>) => void) | undefined;
  /** Of a worker that is gone: what it said at its end, or why it failed. It answers no more. */
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
      // One that cannot be loaded is an error of the start. Later it is not caught here, and ends the process.
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

  /** One question at a time, each answered before the next; one that is gone gives its last answer again. */
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

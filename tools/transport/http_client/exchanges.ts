/**
 * The requests that are under way, so that each can be aborted: by its client's going away, or all at once by a stop.
 *
 * @module
 */

/** One request that is watched. Disposing it ends the watch. */
export interface Exchange extends Disposable {
  /** Aborted once the client has gone or the gateway gives the request up; for `fetch`. */
  readonly signal: AbortSignal;
}

/** The requests under way. Disposing it ends the watch and aborts nothing. */
export interface Exchanges extends Disposable {
  /** Begins to watch a request, until it is disposed. */
  begin(request: Request): Exchange;
  /** Aborts all that are under way. */
  abortAll(): void;
}

/**
 * How often the watch comes by, in milliseconds. A client that went away is noticed the second time at the latest.
 *
 * To ask `Deno.serve` for a request's signal costs a tenth of all that is done for a request, so it is asked for those only
 * that are still there when the watch comes by for the second time.
 */
const WATCH_MS = 100;

/** Starts to watch. */
export function watchExchanges(): Exchanges {
  const underWay = new Set<WatchedExchange>();
  const timer = setInterval(() => {
    for (const exchange of underWay) exchange.watch();
  }, WATCH_MS);
  return {
    begin: (request) => new WatchedExchange(request, underWay),
    abortAll() {
      for (const exchange of underWay) exchange.abort();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}

class WatchedExchange implements Exchange {
  readonly #controller = new AbortController();
  #timesSeen = 0;

  constructor(readonly request: Request, readonly underWay: Set<WatchedExchange>) {
    underWay.add(this);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort();
  }

  /** Called at each round of the watch. */
  watch(): void {
    if (++this.#timesSeen !== 2) return;
    const { signal } = this.request;
    if (signal.aborted) this.abort();
    else signal.addEventListener("abort", () => this.abort(), { once: true });
  }

  [Symbol.dispose](): void {
    this.underWay.delete(this);
  }
}

/**
 * The requests in flight, each of which can be aborted: when its client goes away, or all at once by a stop.
 *
 * @module
 */

/** One watched request. Disposing it ends the watch. */
export interface Exchange extends Disposable {
  /** For `fetch`: aborted once the client has gone or the gateway gives the request up. */
  readonly signal: AbortSignal;
}

/** The requests in flight. Disposing it ends the watch and aborts nothing. */
export interface Exchanges extends Disposable {
  /** Watches a request until the result is disposed. */
  begin(request: Request): Exchange;
  /** Aborts all requests in flight. */
  abortAll(): void;
}

/**
 * Time between two rounds of the watch, in milliseconds. The second round of a request notices that its
 * client has gone.
 *
 * To ask `Deno.serve` for a request's signal costs a tenth of all work for a request. So the watch asks only
 * for requests that are still in flight at their second round.
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

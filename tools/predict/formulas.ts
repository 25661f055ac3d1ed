/**
 * Closed formulas of what a simulation finds, each with what must hold for it.
 *
 * @module
 */

/**
 * Requests that have a connection at a time, on average: arrivals a second times the seconds that each has
 * its connection (Little, 1961). Holds for every load that goes on long enough.
 */
export function busyConnections(requestsPerSec: number, holdSec: number): number {
  return requestsPerSec * holdSec;
}

/**
 * Connections per request of a pool that keeps `pool`, where requests and answers come one by one in a random
 * order: `1 / (pool + 1)`.
 *
 * The number of idle connections goes up by one with each answer and down by one with each request, and
 * stops at 0 and at `pool`. Up and down are equally likely, so all `pool + 1` numbers are, and the request
 * finds 0 idle ones in one case of `pool + 1`.
 *
 * Assumes Poisson arrivals, and that the number of busy connections changes little while the pool fills or
 * empties: `pool ** 2` is far below twice the busy connections. A larger pool opens fewer, because the busy
 * connections come back to their mean before it is empty.
 */
export function smoothChurn(pool: number): number {
  return 1 / (pool + 1);
}

/**
 * Connections per request of a pool that keeps `pool`, where `batch` answers come at once and then `batch`
 * requests: `1 − pool / batch`, and 0 for a batch that fits.
 *
 * Of the `batch` connections that come back, `pool` are kept, and the others are closed; of the requests
 * that follow, `pool` find one. Assumes that the batch is always the same, and that nobody waits for a
 * connection when the answers come.
 */
export function batchChurn(pool: number, batch: number): number {
  return batch <= pool ? 0 : 1 - pool / batch;
}

/**
 * Connections per request where a connection is closed after so many requests, and for no other reason:
 * `1 / requestLimit`. Assumes that each connection lives to its limit.
 */
export function requestLimitChurn(requestLimit: number): number {
  return 1 / requestLimit;
}

/**
 * The share of requests that find all of `servers` busy and are refused (Erlang's B, 1917). Assumes Poisson
 * arrivals; how the time that a request holds its connection varies does not matter.
 *
 * @param load arrivals a second times the seconds that each holds its connection.
 */
export function erlangB(servers: number, load: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = load * blocked / (n + load * blocked);
  return blocked;
}

/**
 * The share of requests that find all of `servers` busy and wait (Erlang's C). Assumes Poisson arrivals and
 * holding times that are exponentially distributed; 1 where the load is `servers` or more.
 *
 * @param load arrivals a second times the seconds that each holds its connection.
 */
export function erlangC(servers: number, load: number): number {
  if (load >= servers) return 1;
  const blocked = erlangB(servers, load);
  return blocked / (1 - load / servers * (1 - blocked));
}

/** How long a request waits on average, in seconds, with the assumptions of {@linkcode erlangC}. */
export function erlangWaitSec(servers: number, requestsPerSec: number, holdSec: number): number {
  const load = busyConnections(requestsPerSec, holdSec);
  return load >= servers ? Infinity : erlangC(servers, load) * holdSec / (servers - load);
}
